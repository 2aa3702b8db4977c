#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "link.h"
#include "starter.h"

namespace sideman::plugin {

/// The one thread that runs the links of all instances of this process. It looks every millisecond while one of them
/// plays or is played, and every eight else, so that no audio thread need wake it.
class LinkThread {
 public:
  /// This process's own; it ends with the last one that holds it. Thread-safe: yes.
  static std::shared_ptr<LinkThread> get();

  ~LinkThread();
  LinkThread(const LinkThread&) = delete;
  LinkThread& operator=(const LinkThread&) = delete;

  /// From now on the link is run; until remove() has returned. Thread-safe: yes, and they wait for a step at most.
  void add(Link* link);
  void remove(Link* link);

 private:
  LinkThread();
  void run();
  Link::Pace step(std::vector<std::intptr_t>& handles);

  std::mutex mutex_;  // what follows; never an audio thread
  std::vector<Link*> links_;
  Starter starter_;
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace sideman::plugin
