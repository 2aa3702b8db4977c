#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "sideman/midi_event.h"
#include "sideman/spsc_ring.h"

namespace sideman {

/// Bounded queue of MIDI events, handed out at their deadlines, for one producer and one consumer thread.
///
/// Design: the producer sends events and commands down one ring, so they keep their order. The consumer reads the
/// clock, drains the ring into a heap that only it sees, and takes from the heap what is due. Hence a cancel_from(T)
/// that returned before the clock reached T always comes in time.
///
/// Cancelling is atomic towards sounding: a note is withdrawn whole, or it sounds and gets its end.
/// - A note whose NOTE_ON is due before T keeps sounding; where its NOTE_OFF was withdrawn, the producer owes a new
///   one.
/// - A note whose NOTE_ON is due at or after T is withdrawn with its NOTE_OFF. Where the cancel came too late to stop
///   it, it keeps its own NOTE_OFF, or is ended at once when none is queued: the producer has forgotten it.
///
/// What is handed out alternates NOTE_ON and NOTE_OFF on every key: a NOTE_OFF of a silent key is dropped, a NOTE_ON of
/// a sounding one is preceded by a NOTE_OFF. Within one microsecond NOTE_OFF comes before NOTE_ON, except that a note
/// pushed with both at one time keeps their order.
///
/// Full means: `capacity` events pushed and not yet handed out or withdrawn. The heap has room for all of them, so
/// push() is the only place that refuses, and nothing is lost. A NOTE_ON is taken only if its NOTE_OFF will fit as
/// well, so the NOTE_OFF of a taken note is never refused (after a cancel: once the consumer has polled).
class Scheduler {
 public:
  static constexpr std::size_t kSpareCommands = 64;  // ring slots kept for cancel_from() and silence()
  static constexpr Micros kSpin{200};                // a sleep may wake late by about this much
  static constexpr Micros kMaxSleep{1000};           // so that commands and close() are seen within a millisecond

  /// Allocates here and never again.
  explicit Scheduler(std::size_t capacity = 4096);

  Scheduler(const Scheduler&) = delete;
  Scheduler& operator=(const Scheduler&) = delete;

  /// Queues a channel message; false when full.
  /// Thread: producer only. Realtime-safe: yes (wait-free, never allocates).
  bool push(const MidiEvent& event) noexcept;

  /// Withdraws every event due at or after `due`; false when kSpareCommands wait undone.
  /// Thread: producer only. Realtime-safe: yes (wait-free, never allocates).
  bool cancel_from(Micros due) noexcept;

  /// Withdraws everything and ends every sounding note now; false when kSpareCommands wait undone.
  /// Thread: producer only. Realtime-safe: yes (wait-free, never allocates).
  bool silence() noexcept;

  /// Wakes the waiter for good: wait_due() then never blocks, but still hands out what is due.
  /// Thread-safe: yes. Realtime-safe: yes.
  void close() noexcept { closed_.store(true, std::memory_order_release); }
  bool closed() const noexcept { return closed_.load(std::memory_order_acquire); }

  /// Whether the note was handed out and not ended. Thread-safe: yes. Realtime-safe: yes.
  bool is_sounding(std::size_t key) const noexcept {
    return sounding_[key >> 6].load(std::memory_order_relaxed) >> (key & 63) & 1u;
  }

  /// Writes at most `max` (at least 2) events due at `now`, in order, and returns how many. Read the clock before.
  /// Thread: consumer only. Realtime-safe: yes (lock-free, never allocates).
  std::size_t poll(Micros now, MidiEvent* out, std::size_t max) noexcept;

  /// poll(), after waiting for something to fall due, at most `timeout`: sleeps until kSpin before the deadline, a
  /// millisecond at a time, then spins. Thread: consumer only. Realtime-safe: it sleeps, but never allocates or locks.
  std::size_t wait_due(Micros timeout, MidiEvent* out, std::size_t max) noexcept;

 private:
  enum class Kind : std::uint8_t { kEvent, kCancel, kSilence };
  enum class Rank : std::uint8_t { kOff, kOther, kOn, kOffOfEmptyNote };  // the order within one microsecond

  struct Command {
    MidiEvent event;  // kCancel: only its due time counts
    Kind kind;
  };

  struct Pending {
    MidiEvent event;
    Rank rank;
    std::uint64_t serial;  // the order of pushing
    std::uint64_t owner;   // the serial of the note that this NOTE_OFF ends; 0 = whichever sounds
  };

  struct Later {
    bool operator()(const Pending& a, const Pending& b) const noexcept;
  };

  bool command(Kind kind, Micros due) noexcept;
  void insert(const MidiEvent& event) noexcept;
  void apply_cancel(Micros from) noexcept;
  void apply_silence(Micros now) noexcept;
  void add_end_of(std::size_t key, Micros due) noexcept;
  bool owns(const Pending& end) const noexcept;
  void set_sounding(std::size_t key, bool on) noexcept;

  static constexpr Micros kNever{std::numeric_limits<Micros::rep>::min()};

  const std::size_t capacity_;
  SpscRing<Command> ring_;
  std::atomic<bool> closed_{false};

  // Writer only (the producer).
  std::uint64_t pushed_ = 0;
  std::uint64_t commands_pushed_ = 0;
  std::array<std::uint64_t, kKeys / 64> open_{};  // NOTE_ON taken, NOTE_OFF not pushed yet
  std::size_t num_open_ = 0;

  // Reader only (the consumer); the producer looks at the atomics.
  alignas(64) std::atomic<std::uint64_t> released_{0};
  std::atomic<std::uint64_t> commands_done_{0};
  std::array<std::atomic<std::uint64_t>, kKeys / 64> sounding_{};
  std::vector<Pending> pending_;  // a heap, reserved for capacity + one owned NOTE_OFF a key
  std::uint64_t serial_ = 0;
  std::uint64_t released_here_ = 0;
  std::vector<Micros> last_on_;   // by key: due time of the newest NOTE_ON drained
  std::vector<Micros> note_due_;  // by key: of the note that sounds
  std::vector<std::uint64_t> note_serial_;
  std::vector<std::int32_t> end_index_;  // scratch of apply_cancel()
};

}  // namespace sideman
