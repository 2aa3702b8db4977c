#include "messages.h"

#include <cstring>

namespace sideman::plugin {
namespace {

class Writer {
 public:
  Writer(std::vector<std::uint8_t>& out, ToEngineType type) : out_(out), begin_(out.size()) {
    out_.push_back(static_cast<std::uint8_t>(type));
    out_.insert(out_.end(), 3, 0);
  }

  ~Writer() {
    const std::size_t size = out_.size() - begin_ - kHeaderSize;
    out_[begin_ + 2] = static_cast<std::uint8_t>(size & 0xFF);
    out_[begin_ + 3] = static_cast<std::uint8_t>(size >> 8);
  }

  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  Writer& number(std::uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
  }

  Writer& beat(MicroBeats value) { return number(static_cast<std::uint64_t>(value), 8); }

  Writer& real(double value) {
    std::uint64_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    return number(bits, 8);
  }

  Writer& bytes(const void* data, std::size_t size) {
    const auto* first = static_cast<const std::uint8_t*>(data);
    out_.insert(out_.end(), first, first + size);
    return *this;
  }

 private:
  std::vector<std::uint8_t>& out_;
  std::size_t begin_;
};

std::uint64_t number_at(const std::uint8_t* bytes, int count) noexcept {
  std::uint64_t value = 0;
  for (int i = 0; i < count; ++i) value |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
  return value;
}

}  // namespace

void write_hello(std::vector<std::uint8_t>& out, const std::uint8_t* token) {
  Writer(out, ToEngineType::kHello).number(kProtocolVersion, 2).bytes(token, kTokenSize);
}

void write(std::vector<std::uint8_t>& out, const ToEngine& message) {
  const Place& place = message.place;
  Writer writer(out, message.type);
  writer.beat(place.at);
  switch (message.type) {
    case ToEngineType::kPlace:
      writer.beat(place.song).real(place.tempo_bpm).beat(place.loop_start).beat(place.loop_end);
      writer.number(place.epoch, 4).number(place.metre_count, 2).number(place.metre_unit, 2);
      writer.number((place.playing ? 1u : 0u) | (place.looping ? 2u : 0u), 1);
      break;
    case ToEngineType::kKey:
      writer.bytes(message.message, 3);
      break;
    case ToEngineType::kParameter:
      writer.number(message.id, 4).real(message.value);
      break;
    case ToEngineType::kNow:
      writer.number(message.serial, 4).number(message.offline ? 1u : 0u, 1);
      break;
    case ToEngineType::kRestart:
    case ToEngineType::kHello:
    case ToEngineType::kText:
      break;
  }
}

void write_text(std::vector<std::uint8_t>& out, const std::string& name, const std::string& text) {
  Writer(out, ToEngineType::kText).number(name.size(), 1).bytes(name.data(), name.size()).bytes(text.data(),
                                                                                                text.size());
}

bool read_frame(const std::uint8_t* bytes, std::size_t size, Frame& frame, std::size_t& used) noexcept {
  if (size < kHeaderSize) return false;
  const std::size_t length = static_cast<std::size_t>(number_at(bytes + 2, 2));
  if (size < kHeaderSize + length) return false;
  frame = {static_cast<FromEngineType>(bytes[0]), bytes + kHeaderSize, length};
  used = kHeaderSize + length;
  return true;
}

bool read(const Frame& frame, FromEngine& message) noexcept {
  message = FromEngine{};
  message.type = frame.type;
  const std::uint8_t* bytes = frame.payload;
  switch (frame.type) {
    case FromEngineType::kNote:
      if (frame.size != 15) return false;
      std::memcpy(message.message, bytes + 12, 3);
      if (message.message[0] < 0x80 || message.message[0] >= 0xF0) return false;
      if (message.message[1] > 127 || message.message[2] > 127) return false;  // it would be no key of any table
      break;
    case FromEngineType::kCancel:
      if (frame.size != 12) return false;
      break;
    case FromEngineType::kSilence:
      if (frame.size != 4) return false;
      message.epoch = static_cast<std::uint32_t>(number_at(bytes, 4));
      return true;
    case FromEngineType::kParameter: {
      if (frame.size != 12) return false;
      message.id = static_cast<std::uint32_t>(number_at(bytes, 4));
      const std::uint64_t bits = number_at(bytes + 4, 8);
      std::memcpy(&message.value, &bits, sizeof bits);
      return true;
    }
    default:
      return false;
  }
  message.epoch = static_cast<std::uint32_t>(number_at(bytes, 4));
  message.at = static_cast<MicroBeats>(number_at(bytes + 4, 8));
  return true;
}

bool read_done(const Frame& frame, std::uint32_t& serial) noexcept {
  if (frame.type != FromEngineType::kDone || frame.size != 4) return false;
  serial = static_cast<std::uint32_t>(number_at(frame.payload, 4));
  return true;
}

}  // namespace sideman::plugin
