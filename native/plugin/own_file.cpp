#include "own_file.h"

#include <cstdlib>

#if defined(_WIN32)
#include "windows_text.h"
#else
#include <sys/stat.h>
#include <unistd.h>
#endif

namespace sideman::plugin {

#if defined(_WIN32)

std::string variable(const char* name) {
  const wchar_t* value = _wgetenv(wide(name).c_str());
  return value == nullptr ? std::string() : narrow(value);
}

std::FILE* open_file(const std::string& path, const char* mode) noexcept {
  return _wfopen(wide(path).c_str(), wide(mode).c_str());
}

namespace {
// Every user's folder is closed to other users there.
bool is_ours(std::FILE*) noexcept { return true; }
}  // namespace

#else

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

std::FILE* open_file(const std::string& path, const char* mode) noexcept { return std::fopen(path.c_str(), mode); }

namespace {
bool is_ours(std::FILE* file) noexcept {
  struct stat about;
  return fstat(fileno(file), &about) == 0 && about.st_uid == getuid() && (about.st_mode & 077) == 0;
}
}  // namespace

#endif

std::string read_own_file(const std::string& path, std::size_t most) {
  std::FILE* file = open_file(path, "rb");
  if (file == nullptr) return {};
  std::string text(most + 1, '\0');
  const std::size_t size = is_ours(file) ? std::fread(&text[0], 1, text.size(), file) : 0;
  std::fclose(file);
  text.resize(size > most ? 0 : size);
  return text;
}

}  // namespace sideman::plugin
