#pragma once

#include <array>
#include <atomic>
#include <cstdint>

#include "clap_abi.h"
#include "exchange.h"
#include "host_beat.h"
#include "link.h"
#include "player.h"

namespace sideman::plugin {

/// One instance of the plug-in, behind the CLAP face (face.cpp).
class Instance {
 public:
  /// host: outlives the instance.
  explicit Instance(const clap::Host* host);

  // ---- main thread ----
  void init();
  bool activate(double frames_per_second);
  void deactivate() { active_.store(false); }
  void on_main_thread();
  void set_offline(bool offline);
  bool save(const clap::OutStream* stream);
  bool load(const clap::InStream* stream);
  /// The text of the parameter that says how it stands with the engine.
  void engine_text(int state, char* text, std::size_t size);
  std::uint32_t out_dialects() const noexcept { return out_dialects_; }

  // ---- audio thread; process() never locks, allocates or waits, but for the engine while the host renders offline ----
  clap::ProcessStatus process(const clap::Process* process) noexcept;
  void reset() noexcept;

  /// Audio thread while active, main thread else.
  void flush(const clap::InputEvents* in, const clap::OutputEvents* out) noexcept;

  Exchange& exchange() noexcept { return exchange_; }

 private:
  void begin(const clap::EventTransport* transport, std::uint32_t time, const clap::OutputEvents* out) noexcept;
  void render_anew(std::uint32_t time, const clap::OutputEvents* out) noexcept;
  void play(std::uint32_t time, std::uint32_t frames, const clap::OutputEvents* out) noexcept;
  void take_from_engine(std::uint32_t time, const clap::OutputEvents* out) noexcept;
  void emit_due(MicroBeats by, std::uint32_t time, std::uint32_t frames, const clap::OutputEvents* out) noexcept;
  void emit(const MidiEvent& event, std::uint32_t time, const clap::OutputEvents* out) noexcept;
  void emit_parameter(const FromEngine& message, std::uint32_t time, const clap::OutputEvents* out) noexcept;
  void hear(const clap::EventHeader* event, MicroBeats at) noexcept;
  void hear_note(const clap::EventNote& note, MicroBeats at) noexcept;
  void hear_midi(const std::uint8_t (&message)[3], MicroBeats at) noexcept;
  void tell(const ToEngine& message) noexcept;
  void tell_place() noexcept;
  void tell_parameter(std::size_t row, MicroBeats at) noexcept;
  void tell_now(std::uint32_t frames, MicroBeats until, const clap::OutputEvents* out, std::uint32_t time) noexcept;
  void wait_for_engine(std::uint32_t serial, const clap::OutputEvents* out, std::uint32_t time) noexcept;
  void wait_for_connection() noexcept;
  bool is_ready() const noexcept;
  bool any_key() const noexcept;
  void all_keys_up() noexcept;

  const clap::Host* host_;
  std::uint32_t out_dialects_ = clap::kDialectClap | clap::kDialectMidi;
  std::uint32_t texts_told_ = 0;
  std::atomic<bool> active_{false};
  Exchange exchange_;
  Link link_;  // after what it uses

  // Audio thread only.
  HostBeat beat_;
  Player player_;
  Place told_;
  bool has_told_ = false;
  double rate_ = 48000.0;
  std::int64_t since_now_ = 0;  // frames since the engine was told the time
  std::int64_t quiet_ = 0;      // frames since anything was played by anyone
  std::uint32_t serial_ = 0;
};

}  // namespace sideman::plugin
