#pragma once

#include <cstdint>

/// The part of the CLAP 1.2 binary interface that the plug-in uses.
///
/// Written from the specification of github.com/free-audio/clap (1.2): order, width and meaning of every field are the
/// interface, the words are ours. A host's pointers are never kept beyond the call unless a line says so.
namespace sideman::clap {

#if defined(_WIN32)
#define SIDEMAN_CLAP_CALL __cdecl
#define SIDEMAN_CLAP_EXPORT __declspec(dllexport)
#else
#define SIDEMAN_CLAP_CALL
#define SIDEMAN_CLAP_EXPORT __attribute__((visibility("default")))
#endif

using Id = std::uint32_t;
using BeatTime = std::int64_t;  // quarter notes x 2^31
using SecTime = std::int64_t;   // seconds x 2^31

inline constexpr double kBeatFactor = 2147483648.0;
inline constexpr Id kInvalidId = 0xFFFFFFFFu;
inline constexpr unsigned kNameSize = 256;
inline constexpr unsigned kPathSize = 1024;

struct Version {
  std::uint32_t major, minor, revision;
};
inline constexpr Version kVersion{1, 2, 0};

// ---- events --------------------------------------------------------------------------------------------------------

struct EventHeader {
  std::uint32_t size;  // of the whole event, in bytes
  std::uint32_t time;  // frames since the block began
  std::uint16_t space_id;
  std::uint16_t type;
  std::uint32_t flags;
};
inline constexpr std::uint16_t kCoreSpace = 0;

enum EventType : std::uint16_t {
  kNoteOn = 0,
  kNoteOff = 1,
  kNoteChoke = 2,
  kParamValue = 5,
  kParamMod = 6,
  kGestureBegin = 7,
  kGestureEnd = 8,
  kTransport = 9,
  kMidi = 10,
};

struct EventNote {
  EventHeader header;
  std::int32_t note_id;     // -1: none
  std::int16_t port_index;  // -1: all
  std::int16_t channel;     // 0..15, -1: all
  std::int16_t key;         // 0..127, -1: all
  double velocity;          // 0..1; 0 is a note too
};

struct EventParam {  // value and modulation have one layout
  EventHeader header;
  Id param_id;
  void* cookie;
  std::int32_t note_id;
  std::int16_t port_index, channel, key;
  double amount;  // the value, or what is added to it
};

struct EventGesture {
  EventHeader header;
  Id param_id;
};

enum TransportFlags : std::uint32_t {
  kHasTempo = 1u << 0,
  kHasBeats = 1u << 1,
  kHasMetre = 1u << 3,
  kIsPlaying = 1u << 4,
  kIsLooping = 1u << 6,
};

struct EventTransport {
  EventHeader header;
  std::uint32_t flags;
  BeatTime song_pos_beats;
  SecTime song_pos_seconds;
  double tempo;      // quarter notes a minute
  double tempo_inc;  // added to it with every frame, until the next transport
  BeatTime loop_start_beats, loop_end_beats;
  SecTime loop_start_seconds, loop_end_seconds;
  BeatTime bar_start;
  std::int32_t bar_number;
  std::uint16_t tsig_num, tsig_denom;
};

struct EventMidi {
  EventHeader header;
  std::uint16_t port_index;
  std::uint8_t data[3];
};

struct InputEvents {
  void* ctx;
  std::uint32_t(SIDEMAN_CLAP_CALL* size)(const InputEvents* list);
  const EventHeader*(SIDEMAN_CLAP_CALL* get)(const InputEvents* list, std::uint32_t index);
};

struct OutputEvents {
  void* ctx;
  bool(SIDEMAN_CLAP_CALL* try_push)(const OutputEvents* list, const EventHeader* event);  // copies it
};

// ---- processing ----------------------------------------------------------------------------------------------------

struct AudioBuffer {
  float** data32;  // one of the two is null
  double** data64;
  std::uint32_t channel_count;
  std::uint32_t latency;
  std::uint64_t constant_mask;
};

struct Process {
  std::int64_t steady_time;  // -1: unknown
  std::uint32_t frames_count;
  const EventTransport* transport;  // of the first frame; null: the host has none
  const AudioBuffer* audio_inputs;
  AudioBuffer* audio_outputs;
  std::uint32_t audio_inputs_count, audio_outputs_count;
  const InputEvents* in_events;
  const OutputEvents* out_events;
};

using ProcessStatus = std::int32_t;
inline constexpr ProcessStatus kProcessError = 0, kProcessContinue = 1;

// ---- host and plug-in ----------------------------------------------------------------------------------------------

struct Host {
  Version clap_version;
  void* host_data;
  const char *name, *vendor, *url, *version;
  const void*(SIDEMAN_CLAP_CALL* get_extension)(const Host* host, const char* id);
  void(SIDEMAN_CLAP_CALL* request_restart)(const Host* host);
  void(SIDEMAN_CLAP_CALL* request_process)(const Host* host);
  void(SIDEMAN_CLAP_CALL* request_callback)(const Host* host);
};

struct Descriptor {
  Version clap_version;
  const char *id, *name, *vendor, *url, *manual_url, *support_url, *version, *description;
  const char* const* features;  // ends with a null pointer
};

struct Plugin {
  const Descriptor* desc;
  void* plugin_data;
  bool(SIDEMAN_CLAP_CALL* init)(const Plugin* plugin);
  void(SIDEMAN_CLAP_CALL* destroy)(const Plugin* plugin);
  bool(SIDEMAN_CLAP_CALL* activate)(const Plugin* plugin, double sample_rate, std::uint32_t min_frames,
                                    std::uint32_t max_frames);
  void(SIDEMAN_CLAP_CALL* deactivate)(const Plugin* plugin);
  bool(SIDEMAN_CLAP_CALL* start_processing)(const Plugin* plugin);
  void(SIDEMAN_CLAP_CALL* stop_processing)(const Plugin* plugin);
  void(SIDEMAN_CLAP_CALL* reset)(const Plugin* plugin);
  ProcessStatus(SIDEMAN_CLAP_CALL* process)(const Plugin* plugin, const Process* process);
  const void*(SIDEMAN_CLAP_CALL* get_extension)(const Plugin* plugin, const char* id);
  void(SIDEMAN_CLAP_CALL* on_main_thread)(const Plugin* plugin);
};

struct Factory {
  std::uint32_t(SIDEMAN_CLAP_CALL* get_plugin_count)(const Factory* factory);
  const Descriptor*(SIDEMAN_CLAP_CALL* get_plugin_descriptor)(const Factory* factory, std::uint32_t index);
  const Plugin*(SIDEMAN_CLAP_CALL* create_plugin)(const Factory* factory, const Host* host, const char* id);
};
inline constexpr char kFactoryId[] = "clap.plugin-factory";

struct Entry {
  Version clap_version;
  bool(SIDEMAN_CLAP_CALL* init)(const char* plugin_path);
  void(SIDEMAN_CLAP_CALL* deinit)();
  const void*(SIDEMAN_CLAP_CALL* get_factory)(const char* id);
};

// ---- extensions ----------------------------------------------------------------------------------------------------

inline constexpr char kNotePortsId[] = "clap.note-ports";
inline constexpr char kAudioPortsId[] = "clap.audio-ports";
inline constexpr char kParamsId[] = "clap.params";
inline constexpr char kStateId[] = "clap.state";
inline constexpr char kLatencyId[] = "clap.latency";
inline constexpr char kTailId[] = "clap.tail";
inline constexpr char kRenderId[] = "clap.render";

enum NoteDialect : std::uint32_t { kDialectClap = 1u << 0, kDialectMidi = 1u << 1 };

struct NotePortInfo {
  Id id;
  std::uint32_t supported_dialects, preferred_dialect;
  char name[kNameSize];
};

struct PluginNotePorts {
  std::uint32_t(SIDEMAN_CLAP_CALL* count)(const Plugin* plugin, bool is_input);
  bool(SIDEMAN_CLAP_CALL* get)(const Plugin* plugin, std::uint32_t index, bool is_input, NotePortInfo* info);
};

struct HostNotePorts {
  std::uint32_t(SIDEMAN_CLAP_CALL* supported_dialects)(const Host* host);
  void(SIDEMAN_CLAP_CALL* rescan)(const Host* host, std::uint32_t flags);
};

struct AudioPortInfo {
  Id id;
  char name[kNameSize];
  std::uint32_t flags;
  std::uint32_t channel_count;
  const char* port_type;
  Id in_place_pair;
};
inline constexpr std::uint32_t kAudioPortIsMain = 1u << 0, kAudioPortSupports64 = 1u << 1;

struct PluginAudioPorts {
  std::uint32_t(SIDEMAN_CLAP_CALL* count)(const Plugin* plugin, bool is_input);
  bool(SIDEMAN_CLAP_CALL* get)(const Plugin* plugin, std::uint32_t index, bool is_input, AudioPortInfo* info);
};

enum ParamFlags : std::uint32_t {
  kParamStepped = 1u << 0,
  kParamReadOnly = 1u << 3,
  kParamAutomatable = 1u << 5,
  kParamModulatable = 1u << 10,
  kParamEnum = 1u << 16,
};

struct ParamInfo {
  Id id;
  std::uint32_t flags;
  void* cookie;
  char name[kNameSize];
  char module[kPathSize];
  double min_value, max_value, default_value;
};

struct PluginParams {
  std::uint32_t(SIDEMAN_CLAP_CALL* count)(const Plugin* plugin);
  bool(SIDEMAN_CLAP_CALL* get_info)(const Plugin* plugin, std::uint32_t index, ParamInfo* info);
  bool(SIDEMAN_CLAP_CALL* get_value)(const Plugin* plugin, Id id, double* value);
  bool(SIDEMAN_CLAP_CALL* value_to_text)(const Plugin* plugin, Id id, double value, char* text, std::uint32_t size);
  bool(SIDEMAN_CLAP_CALL* text_to_value)(const Plugin* plugin, Id id, const char* text, double* value);
  void(SIDEMAN_CLAP_CALL* flush)(const Plugin* plugin, const InputEvents* in, const OutputEvents* out);
};
inline constexpr std::uint32_t kRescanValues = 1u << 0, kRescanText = 1u << 1;

struct HostParams {
  void(SIDEMAN_CLAP_CALL* rescan)(const Host* host, std::uint32_t flags);
  void(SIDEMAN_CLAP_CALL* clear)(const Host* host, Id id, std::uint32_t flags);
  void(SIDEMAN_CLAP_CALL* request_flush)(const Host* host);
};

struct InStream {
  void* ctx;
  std::int64_t(SIDEMAN_CLAP_CALL* read)(const InStream* stream, void* buffer, std::uint64_t size);  // may give less
};

struct OutStream {
  void* ctx;
  std::int64_t(SIDEMAN_CLAP_CALL* write)(const OutStream* stream, const void* buffer, std::uint64_t size);
};

struct PluginState {
  bool(SIDEMAN_CLAP_CALL* save)(const Plugin* plugin, const OutStream* stream);
  bool(SIDEMAN_CLAP_CALL* load)(const Plugin* plugin, const InStream* stream);
};

struct HostState {
  void(SIDEMAN_CLAP_CALL* mark_dirty)(const Host* host);
};

struct PluginLatency {
  std::uint32_t(SIDEMAN_CLAP_CALL* get)(const Plugin* plugin);
};

struct PluginTail {
  std::uint32_t(SIDEMAN_CLAP_CALL* get)(const Plugin* plugin);
};

inline constexpr std::int32_t kRenderRealtime = 0, kRenderOffline = 1;

struct PluginRender {
  bool(SIDEMAN_CLAP_CALL* has_hard_realtime_requirement)(const Plugin* plugin);
  bool(SIDEMAN_CLAP_CALL* set)(const Plugin* plugin, std::int32_t mode);
};

}  // namespace sideman::clap
