#include "starter.h"

#include "address.h"
#include "own_file.h"

namespace sideman::plugin {
namespace {

constexpr char kHead[] = "sideman start 1\n";
constexpr std::size_t kLongest = 16384, kMostStarts = 3;
constexpr std::chrono::minutes kWithin{5};

}  // namespace

std::vector<std::string> read_command(const std::string& path) {
  const std::string text = read_own_file(path, kLongest);
  if (text.compare(0, sizeof kHead - 1, kHead) != 0) return {};
  std::vector<std::string> command;
  for (std::size_t begin = sizeof kHead - 1; begin < text.size();) {
    std::size_t end = text.find('\n', begin);
    if (end == std::string::npos) end = text.size();
    command.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return command;
}

void Starter::want(Clock::time_point now) {
  starting_ = child_.runs();
  if (starting_) return;
  const std::string path = address_path(), log = path + ".log";
  const std::vector<std::string> command = read_command(path + ".start");
  if (command.empty()) {
    trouble_ = "start `sideman serve`, or have `sideman plugin install` say how";
    return;
  }
  while (!started_.empty() && now - started_.front() > kWithin) started_.pop_front();
  if (started_.size() >= kMostStarts) {
    trouble_ = "it ended three times in five minutes, see " + log;
    return;
  }
  started_.push_back(now);
  std::string why;
  starting_ = child_.start(command, log, why);
  trouble_ = starting_ ? std::string() : command[0] + ": " + why + ": run `sideman plugin install` anew";
}

}  // namespace sideman::plugin
