#include "link_thread.h"

#include <algorithm>
#include <chrono>

namespace sideman::plugin {
namespace {

constexpr int kBusyMs = 1, kIdleMs = 8;
constexpr std::chrono::microseconds kHurriedPause{100};

}  // namespace

std::shared_ptr<LinkThread> LinkThread::get() {
  static std::mutex mutex;
  static std::weak_ptr<LinkThread> known;
  const std::lock_guard<std::mutex> lock(mutex);
  std::shared_ptr<LinkThread> found = known.lock();
  if (found == nullptr) {
    found.reset(new LinkThread());
    known = found;
  }
  return found;
}

LinkThread::LinkThread() { thread_ = std::thread(&LinkThread::run, this); }

LinkThread::~LinkThread() {
  ending_.store(true);
  thread_.join();
}

void LinkThread::add(Link* link) {
  const std::lock_guard<std::mutex> lock(mutex_);
  links_.push_back(link);
}

void LinkThread::remove(Link* link) {
  const std::lock_guard<std::mutex> lock(mutex_);
  links_.erase(std::remove(links_.begin(), links_.end(), link), links_.end());
}

void LinkThread::run() {
  std::vector<std::intptr_t> handles;
  while (!ending_.load()) {
    const Link::Pace pace = step(handles);
    if (pace == Link::Pace::kHurried)
      std::this_thread::sleep_for(kHurriedPause);
    else
      wait_for_any(handles.data(), handles.size(), pace == Link::Pace::kBusy ? kBusyMs : kIdleMs);
  }
}

/// Runs every link once; how soon the next time may be, and what wakes us earlier.
Link::Pace LinkThread::step(std::vector<std::intptr_t>& handles) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto now = Link::Clock::now();
  Link::Pace pace = Link::Pace::kIdle;
  handles.clear();
  for (Link* link : links_) {
    link->step(now, starter_);
    pace = std::max(pace, link->pace(now));
    handles.push_back(link->handle());
  }
  return pace;
}

}  // namespace sideman::plugin
