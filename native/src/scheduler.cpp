#include "sideman/scheduler.h"

#include <algorithm>

#include "pause.h"

namespace sideman {
namespace {

constexpr std::int32_t kNotLate = -2;
constexpr std::int32_t kNoEndQueued = -1;
constexpr Micros kLongestTimeout{1'000'000'000'000};  // keeps now + timeout from overflowing

}  // namespace

bool Scheduler::Later::operator()(const Pending& a, const Pending& b) const noexcept {
  if (a.event.due != b.event.due) return a.event.due > b.event.due;
  if (a.rank != b.rank) return a.rank > b.rank;
  return a.serial > b.serial;
}

Scheduler::Scheduler(std::size_t capacity)
    : capacity_(capacity),
      ring_(capacity + kSpareCommands),
      last_on_(kKeys, kNever),
      note_due_(kKeys, kNever),
      note_serial_(kKeys, 0),
      end_index_(kKeys, kNotLate) {
  pending_.reserve(capacity + kKeys);
}

bool Scheduler::push(const MidiEvent& event) noexcept {
  const bool starts = is_note_on(event);
  const bool ends = is_note_off(event);
  const std::size_t key = key_of(event);
  const std::uint64_t bit = std::uint64_t{1} << (key & 63);
  const bool was_open = (starts || ends) && (open_[key >> 6] & bit) != 0;
  std::size_t num_open = num_open_;
  if (starts && !was_open) ++num_open;
  if (ends && was_open) --num_open;
  const std::uint64_t in_flight = pushed_ - released_.load(std::memory_order_acquire);
  if (in_flight + 1 + num_open > capacity_) return false;
  if (!ring_.try_push({event, Kind::kEvent})) return false;  // never: the ring holds capacity and all commands
  if (starts) open_[key >> 6] |= bit;
  if (ends) open_[key >> 6] &= ~bit;
  num_open_ = num_open;
  ++pushed_;
  return true;
}

bool Scheduler::cancel_from(Micros due) noexcept { return command(Kind::kCancel, due); }

bool Scheduler::silence() noexcept { return command(Kind::kSilence, Micros{0}); }

bool Scheduler::command(Kind kind, Micros due) noexcept {
  if (commands_pushed_ - commands_done_.load(std::memory_order_acquire) >= kSpareCommands) return false;
  if (!ring_.try_push({MidiEvent{due, 0, 0, 0}, kind})) return false;
  // Out of the store buffer before the caller reads the clock: this is what makes a timely cancel certain.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  ++commands_pushed_;
  open_.fill(0);  // which of their ends are still owed only the producer's owner knows
  num_open_ = 0;
  return true;
}

std::size_t Scheduler::poll(Micros now, MidiEvent* out, std::size_t max) noexcept {
  // The ring is read after the clock, never before.
  std::atomic_thread_fence(std::memory_order_seq_cst);
  Command command;
  for (std::size_t waiting = ring_.size(); waiting > 0 && ring_.try_pop(command); --waiting) {
    if (command.kind == Kind::kEvent) {
      insert(command.event);
      continue;
    }
    if (command.kind == Kind::kCancel) apply_cancel(command.event.due);
    if (command.kind == Kind::kSilence) apply_silence(now);
    commands_done_.store(commands_done_.load(std::memory_order_relaxed) + 1, std::memory_order_release);
  }

  std::size_t count = 0;
  while (!pending_.empty() && pending_.front().event.due <= now && count + 2 <= max) {
    std::pop_heap(pending_.begin(), pending_.end(), Later{});
    const Pending next = pending_.back();
    pending_.pop_back();
    if (next.owner == 0) ++released_here_;  // owned ones left the count when they were bound
    const std::size_t key = key_of(next.event);
    if (is_note_off(next.event)) {
      if (!is_sounding(key) || (next.owner != 0 && !owns(next))) continue;
      set_sounding(key, false);
    } else if (is_note_on(next.event)) {
      if (is_sounding(key)) {
        const auto end = static_cast<std::uint8_t>(0x80 | (next.event.status & 0x0F));
        out[count++] = MidiEvent{next.event.due, end, next.event.data1, 0};
      }
      set_sounding(key, true);
      note_due_[key] = next.event.due;
      note_serial_[key] = next.serial;
    }
    out[count++] = next.event;
  }
  released_.store(released_here_, std::memory_order_release);
  return count;
}

std::size_t Scheduler::wait_due(Micros timeout, MidiEvent* out, std::size_t max) noexcept {
  Micros time = sideman::now();
  const Micros give_up = time + std::clamp(timeout, Micros{0}, kLongestTimeout);
  for (;; time = sideman::now()) {
    const std::size_t count = poll(time, out, max);
    if (count > 0 || closed() || time >= give_up) return count;
    Micros sleep = std::min(give_up - time, kMaxSleep);
    if (!pending_.empty() && pending_.front().event.due < time + sleep + kSpin)
      sleep = pending_.front().event.due - kSpin - time;
    if (sleep > Micros{0}) pause_for(sleep);
  }
}

void Scheduler::insert(const MidiEvent& event) noexcept {
  Pending pending{event, Rank::kOther, ++serial_, 0};
  const std::size_t key = key_of(event);
  if (is_note_on(event)) {
    pending.rank = Rank::kOn;
    last_on_[key] = event.due;
  } else if (is_note_off(event)) {
    // Pushed after its NOTE_ON and due with it: sorted before it, the note would never end.
    pending.rank = last_on_[key] == event.due ? Rank::kOffOfEmptyNote : Rank::kOff;
  }
  pending_.push_back(pending);  // within what the constructor reserved
  std::push_heap(pending_.begin(), pending_.end(), Later{});
}

void Scheduler::apply_cancel(Micros from) noexcept {
  // Notes that began although this cancel withdraws them: it came too late.
  for (std::size_t key = 0; key < kKeys; ++key)
    end_index_[key] = is_sounding(key) && note_due_[key] >= from ? kNoEndQueued : kNotLate;
  for (const Pending& pending : pending_)
    if (pending.owner != 0 && owns(pending)) end_index_[key_of(pending.event)] = kNotLate;  // it has its end already

  // The first queued NOTE_OFF of each of them is its own.
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    const Pending& pending = pending_[i];
    if (pending.owner != 0 || pending.event.due < from || !is_note_off(pending.event)) continue;
    std::int32_t& end = end_index_[key_of(pending.event)];
    if (end == kNotLate) continue;
    if (end == kNoEndQueued || Later{}(pending_[static_cast<std::size_t>(end)], pending))
      end = static_cast<std::int32_t>(i);
  }

  std::size_t kept = 0;
  for (std::size_t i = 0; i < pending_.size(); ++i) {
    Pending pending = pending_[i];
    const std::size_t key = key_of(pending.event);
    if (pending.owner != 0) {
      if (owns(pending)) pending_[kept++] = pending;
    } else if (pending.event.due < from) {
      pending_[kept++] = pending;
    } else {
      ++released_here_;
      if (is_note_off(pending.event) && end_index_[key] == static_cast<std::int32_t>(i)) {
        pending.owner = note_serial_[key];
        pending_[kept++] = pending;
      }
    }
  }
  pending_.resize(kept);
  for (std::size_t key = 0; key < kKeys; ++key)
    if (end_index_[key] == kNoEndQueued) add_end_of(key, from);
  std::make_heap(pending_.begin(), pending_.end(), Later{});
  for (Micros& due : last_on_)
    if (due >= from) due = kNever;
}

void Scheduler::apply_silence(Micros now) noexcept {
  for (const Pending& pending : pending_)
    if (pending.owner == 0) ++released_here_;
  pending_.clear();
  for (std::size_t key = 0; key < kKeys; ++key)
    if (is_sounding(key)) add_end_of(key, now);
  std::make_heap(pending_.begin(), pending_.end(), Later{});
  std::fill(last_on_.begin(), last_on_.end(), kNever);
}

/// A NOTE_OFF bound to one note: if that note ends earlier, it is dropped and never cuts a newer one.
void Scheduler::add_end_of(std::size_t key, Micros due) noexcept {
  const MidiEvent end{due, static_cast<std::uint8_t>(0x80 | key / 128), static_cast<std::uint8_t>(key % 128), 0};
  pending_.push_back({end, Rank::kOff, note_serial_[key], note_serial_[key]});
}

bool Scheduler::owns(const Pending& end) const noexcept {
  const std::size_t key = key_of(end.event);
  return is_sounding(key) && note_serial_[key] == end.owner;
}

void Scheduler::set_sounding(std::size_t key, bool on) noexcept {
  std::atomic<std::uint64_t>& word = sounding_[key >> 6];
  const std::uint64_t bit = std::uint64_t{1} << (key & 63);
  const std::uint64_t bits = word.load(std::memory_order_relaxed);  // only the consumer writes: no read-modify-write
  word.store(on ? bits | bit : bits & ~bit, std::memory_order_relaxed);
}

}  // namespace sideman
