#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "host_beat.h"

namespace sideman::plugin {

/// The binary protocol between plug-in and engine: docs/PLUGIN.md specifies it, bridge/plugin/wire.py is its twin.
/// A frame is one byte of type, one of zero, two of length, and the payload; all numbers are little-endian.
inline constexpr std::uint16_t kProtocolVersion = 1;
inline constexpr std::size_t kHeaderSize = 4;
inline constexpr std::size_t kTokenSize = 32;

enum class ToEngineType : std::uint8_t {
  kHello = 1,
  kPlace = 2,
  kKey = 3,
  kParameter = 4,
  kText = 5,
  kNow = 6,
  kRestart = 7,
};

enum class FromEngineType : std::uint8_t {
  kWelcome = 65,
  kNote = 66,
  kCancel = 67,
  kSilence = 68,
  kDone = 69,
  kStatus = 70,
  kParameter = 71,
  kText = 72,
  kAlive = 73,
};

/// What the audio thread tells the engine. kDropped: the ring was full, the link must tell everything anew.
struct ToEngine {
  ToEngineType type = ToEngineType::kNow;
  bool offline = false;         // kNow: the engine answers with kDone once all before `place.at` is sent
  std::uint8_t message[3] = {};  // kKey
  std::uint32_t id = 0;         // kParameter
  std::uint32_t serial = 0;     // kNow: what kDone shall name
  double value = 0.0;           // kParameter
  Place place;                  // kPlace; the others need `place.at`
};

/// What the engine, or the link on its behalf, tells the audio thread.
struct FromEngine {
  FromEngineType type = FromEngineType::kSilence;
  std::uint8_t message[3] = {};  // kNote
  std::uint32_t epoch = 0;       // kNote, kCancel, kSilence; 0: of any
  std::uint32_t id = 0;          // kParameter
  MicroBeats at = 0;             // kNote, kCancel
  double value = 0.0;            // kParameter
};

/// Appends whole frames to a buffer. Thread: link.
void write_hello(std::vector<std::uint8_t>& out, const std::uint8_t* token);
void write(std::vector<std::uint8_t>& out, const ToEngine& message);
void write_text(std::vector<std::uint8_t>& out, const std::string& name, const std::string& text);

/// One frame as it came.
struct Frame {
  FromEngineType type;
  const std::uint8_t* payload;
  std::size_t size;
};

/// Takes the first whole frame off `bytes`; false when there is none yet. `used`: bytes that it took.
bool read_frame(const std::uint8_t* bytes, std::size_t size, Frame& frame, std::size_t& used) noexcept;

/// A note, which is a channel message, a cancel, silence or parameter; false where the payload is none.
bool read(const Frame& frame, FromEngine& message) noexcept;

/// The serial of a kDone frame; false where it is none.
bool read_done(const Frame& frame, std::uint32_t& serial) noexcept;

}  // namespace sideman::plugin
