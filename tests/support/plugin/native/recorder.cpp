// A plug-in that stands behind ours in a real host: every note that reaches it becomes a line of the file that
// SIDEMAN_RECORD names: block, frame in it, song's beat at that frame, 1 if the song plays, status, pitch, velocity.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "clap_abi.h"

namespace {

using namespace sideman::clap;

const char* const kFeatures[] = {"instrument", nullptr};
const Descriptor kDescriptor{kVersion, "sideman.tests.recorder", "Recorder", "Sideman", "", "", "", "1", "", kFeatures};

struct Recorder {
  Plugin plugin{};
  std::FILE* file = nullptr;
  double rate = 48000.0;
  long blocks = 0;
};

Recorder& of(const Plugin* plugin) { return *static_cast<Recorder*>(plugin->plugin_data); }

void note_down(Recorder& recorder, const Process& block, const EventHeader& event) {
  int status = 0, pitch = 0, velocity = 0;
  if (event.type == kNoteOn || event.type == kNoteOff) {
    const auto& note = reinterpret_cast<const EventNote&>(event);
    status = (event.type == kNoteOn ? 0x90 : 0x80) | note.channel;
    pitch = note.key;
    velocity = static_cast<int>(note.velocity * 127.0 + 0.5);
  } else if (event.type == kMidi) {
    const auto& midi = reinterpret_cast<const EventMidi&>(event);
    status = midi.data[0], pitch = midi.data[1], velocity = midi.data[2];
  } else {
    return;
  }
  const EventTransport* song = block.transport;
  const bool plays = song != nullptr && (song->flags & kIsPlaying) != 0;
  const double beat = song == nullptr ? 0.0 : static_cast<double>(song->song_pos_beats) / kBeatFactor;
  const double tempo = plays ? song->tempo : 0.0;
  std::fprintf(recorder.file, "%ld %u %.9f %d %d %d %d\n", recorder.blocks, event.time,
               beat + event.time * tempo / (60.0 * recorder.rate), plays ? 1 : 0, status, pitch, velocity);
  std::fflush(recorder.file);
}

ProcessStatus process(const Plugin* plugin, const Process* block) {
  Recorder& recorder = of(plugin);
  for (std::uint32_t port = 0; port < block->audio_outputs_count; ++port)
    for (std::uint32_t channel = 0; channel < block->audio_outputs[port].channel_count; ++channel)
      std::memset(block->audio_outputs[port].data32[channel], 0, block->frames_count * sizeof(float));
  const std::uint32_t count = block->in_events->size(block->in_events);
  for (std::uint32_t i = 0; i < count && recorder.file != nullptr; ++i)
    note_down(recorder, *block, *block->in_events->get(block->in_events, i));
  ++recorder.blocks;
  return kProcessContinue;
}

const PluginNotePorts kNotePorts{[](const Plugin*, bool is_input) -> std::uint32_t { return is_input ? 1 : 0; },
                                 [](const Plugin*, std::uint32_t, bool, NotePortInfo* info) -> bool {
                                   info->id = 1;
                                   info->supported_dialects = info->preferred_dialect = kDialectMidi;
                                   std::snprintf(info->name, kNameSize, "in");
                                   return true;
                                 }};

const PluginAudioPorts kAudioPorts{[](const Plugin*, bool is_input) -> std::uint32_t { return is_input ? 0 : 1; },
                                   [](const Plugin*, std::uint32_t, bool, AudioPortInfo* info) -> bool {
                                     info->id = 1;
                                     std::snprintf(info->name, kNameSize, "out");
                                     info->flags = kAudioPortIsMain;
                                     info->channel_count = 2;
                                     info->port_type = "stereo";
                                     info->in_place_pair = kInvalidId;
                                     return true;
                                   }};

const Plugin* create(const Factory*, const Host*, const char*) {
  auto* recorder = new Recorder;
  Plugin& plugin = recorder->plugin;
  plugin.desc = &kDescriptor;
  plugin.plugin_data = recorder;
  plugin.init = [](const Plugin* self) -> bool {
    const char* path = std::getenv("SIDEMAN_RECORD");
    of(self).file = path == nullptr ? nullptr : std::fopen(path, "w");
    return true;
  };
  plugin.destroy = [](const Plugin* self) {
    if (of(self).file != nullptr) std::fclose(of(self).file);
    delete &of(self);
  };
  plugin.activate = [](const Plugin* self, double rate, std::uint32_t, std::uint32_t) -> bool {
    of(self).rate = rate;
    return true;
  };
  plugin.deactivate = [](const Plugin*) {};
  plugin.start_processing = [](const Plugin*) -> bool { return true; };
  plugin.stop_processing = [](const Plugin*) {};
  plugin.reset = [](const Plugin*) {};
  plugin.process = process;
  plugin.get_extension = [](const Plugin*, const char* id) -> const void* {
    if (std::strcmp(id, kNotePortsId) == 0) return &kNotePorts;
    return std::strcmp(id, kAudioPortsId) == 0 ? &kAudioPorts : nullptr;
  };
  plugin.on_main_thread = [](const Plugin*) {};
  return &plugin;
}

const Factory kFactory{[](const Factory*) -> std::uint32_t { return 1; },
                       [](const Factory*, std::uint32_t) -> const Descriptor* { return &kDescriptor; }, create};

}  // namespace

extern "C" {
extern SIDEMAN_CLAP_EXPORT const sideman::clap::Entry clap_entry;
const sideman::clap::Entry clap_entry{kVersion, [](const char*) -> bool { return true; }, [] {},
                                      [](const char* id) -> const void* {
                                        return std::strcmp(id, kFactoryId) == 0 ? &kFactory : nullptr;
                                      }};
}
