#pragma once

#include <cstdint>
#include <memory>

#include "clap_abi.h"
#include "exchange.h"
#include "host_beat.h"
#include "host_output.h"
#include "link.h"
#include "link_thread.h"
#include "player.h"
#include "teller.h"

namespace sideman::plugin {

/// One instance of the plug-in, behind the CLAP face (face.cpp).
class Instance {
 public:
  /// host: outlives the instance.
  explicit Instance(const clap::Host* host);
  ~Instance();

  // ---- main thread ----
  void init();
  /// std::exception, as of save() and load(): there is no thread or no memory to be had.
  bool activate(double frames_per_second);
  void on_main_thread();
  void set_offline(bool offline);
  bool save(const clap::OutStream* stream);
  bool load(const clap::InStream* stream);
  /// The text of a value of the parameter that says how it stands with the engine.
  void engine_text(double value, char* text, std::size_t size);

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
  void hear(const clap::EventHeader* event, MicroBeats at) noexcept;
  void hear_note(const clap::EventNote& note, MicroBeats at) noexcept;
  void hear_midi(const std::uint8_t (&message)[3], MicroBeats at) noexcept;
  void wait_for_engine(std::uint32_t time, const clap::OutputEvents* out) noexcept;
  void wait_for_connection() noexcept;
  bool is_ready() const noexcept;
  void all_keys_up() noexcept;

  const clap::Host* host_;
  std::uint32_t texts_told_ = 0;
  Exchange exchange_;
  Link link_;                                // after what it uses
  std::shared_ptr<LinkThread> link_thread_;  // from the first activation on

  // Audio thread only.
  HostBeat beat_;
  Player player_;
  HostOutput output_;
  Teller teller_{exchange_};
};

}  // namespace sideman::plugin
