#include "child.h"

#if !defined(_WIN32)

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#if defined(__APPLE__)
#include <crt_externs.h>
#else
extern char** environ;  // NOLINT: the name is POSIX's
#endif

namespace sideman::plugin {
namespace {

char** our_environment() noexcept {
#if defined(__APPLE__)
  return *_NSGetEnviron();
#else
  return environ;
#endif
}

/// A host that brings libraries of its own, or a Python, names them here; they are not the engine's.
bool is_the_hosts(const char* entry) noexcept {
  for (const char* name : {"PYTHONHOME=", "PYTHONPATH=", "LD_LIBRARY_PATH=", "LD_PRELOAD=", "DYLD_LIBRARY_PATH=",
                           "DYLD_INSERT_LIBRARIES="})
    if (std::strncmp(entry, name, std::strlen(name)) == 0) return true;
  return false;
}

/// Everything that the host has open and that would go along: an audio device must not stay taken when the host ends.
void close_others(posix_spawn_file_actions_t& actions, short& flags) {
#if defined(POSIX_SPAWN_CLOEXEC_DEFAULT)
  (void)actions;
  flags = static_cast<short>(flags | POSIX_SPAWN_CLOEXEC_DEFAULT);
#else
  (void)flags;
  DIR* folder = opendir("/proc/self/fd");
  if (folder == nullptr) return;
  while (const dirent* entry = readdir(folder)) {
    const int file = std::atoi(entry->d_name);
    if (file > 2 && file != dirfd(folder)) posix_spawn_file_actions_addclose(&actions, file);
  }
  closedir(folder);
#endif
}

}  // namespace

// posix_spawn() and not fork(): a host with gigabytes of samples must not have its page tables copied while it plays.
bool Child::start(const std::vector<std::string>& command, const std::string& log, std::string& why) {
  std::vector<char*> arguments, environment;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  for (char** entry = our_environment(); *entry != nullptr; ++entry)
    if (!is_the_hosts(*entry)) environment.push_back(*entry);
  environment.push_back(nullptr);

  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 1, log.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  posix_spawn_file_actions_adddup2(&actions, 1, 2);
  short flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  close_others(actions, flags);
  sigset_t none, defaults;
  sigemptyset(&none);
  sigemptyset(&defaults);
  for (const int number : {SIGPIPE, SIGINT, SIGTERM, SIGCHLD, SIGHUP}) sigaddset(&defaults, number);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setflags(&attributes, flags);
  pid_t made = 0;
  const int error = posix_spawn(&made, arguments[0], &actions, &attributes, arguments.data(), environment.data());
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (error != 0) {
    why = std::strerror(error);
    return false;
  }
  process_ = made;
  return true;
}

bool Child::runs() noexcept {
  if (process_ == 0) return false;
  int status = 0;
  const pid_t ended = waitpid(static_cast<pid_t>(process_), &status, WNOHANG);
  if (ended == 0 || (ended < 0 && errno == EINTR)) return true;
  process_ = 0;  // it has ended; or the host has waited for all children, and ours with them
  return false;
}

// One that has ended is taken off the host's hands; one that runs on stays, once it ends, an entry of the host's until
// that ends too: whoever could wait for it has gone.
Child::~Child() { runs(); }

}  // namespace sideman::plugin

#endif
