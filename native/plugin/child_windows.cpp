#include "child.h"

#if defined(_WIN32)

#include <windows.h>

#include "windows_text.h"

namespace sideman::plugin {
namespace {

/// As the program's C library takes it apart again: quotes are escaped, and the backslashes before them doubled.
std::wstring quoted(const std::string& word) {
  std::wstring out = L"\"";
  std::size_t backslashes = 0;
  for (const wchar_t c : wide(word)) {
    if (c == L'"') out.append(backslashes + 1, L'\\');
    backslashes = c == L'\\' ? backslashes + 1 : 0;
    out += c;
  }
  out.append(backslashes, L'\\');
  return out + L"\"";
}

bool is_the_hosts(const std::wstring& entry) {
  return entry.compare(0, 11, L"PYTHONHOME=") == 0 || entry.compare(0, 11, L"PYTHONPATH=") == 0;
}

/// Our environment without what steers a Python: entries that end with a zero each, and one more.
std::wstring environment() {
  std::wstring out;
  wchar_t* const block = GetEnvironmentStringsW();
  if (block == nullptr) return std::wstring(2, L'\0');
  for (const wchar_t* at = block; *at != L'\0';) {
    const std::wstring entry(at);
    at += entry.size() + 1;
    if (!is_the_hosts(entry)) out += entry + L'\0';
  }
  FreeEnvironmentStringsW(block);
  return out + L'\0';
}

}  // namespace

bool Child::start(const std::vector<std::string>& command, const std::string& log, std::string& why) {
  SECURITY_ATTRIBUTES inherited{sizeof inherited, nullptr, TRUE};
  HANDLE file = CreateFileW(wide(log).c_str(), GENERIC_WRITE, FILE_SHARE_READ, &inherited, CREATE_ALWAYS,
                            FILE_ATTRIBUTE_NORMAL, nullptr);
  std::wstring line;
  for (const std::string& word : command) line += (line.empty() ? L"" : L" ") + quoted(word);
  std::wstring variables = environment();

  // Of all that the host has open, the log alone goes along.
  STARTUPINFOEXW about{};
  about.StartupInfo.cb = sizeof about;
  SIZE_T size = 0;
  InitializeProcThreadAttributeList(nullptr, 1, 0, &size);
  std::vector<unsigned char> list(size);
  about.lpAttributeList = reinterpret_cast<LPPROC_THREAD_ATTRIBUTE_LIST>(list.data());
  const bool has_log = file != INVALID_HANDLE_VALUE &&
                       InitializeProcThreadAttributeList(about.lpAttributeList, 1, 0, &size) != 0;
  if (has_log) {
    UpdateProcThreadAttribute(about.lpAttributeList, 0, PROC_THREAD_ATTRIBUTE_HANDLE_LIST, &file, sizeof file, nullptr,
                              nullptr);
    about.StartupInfo.dwFlags = STARTF_USESTDHANDLES;
    about.StartupInfo.hStdOutput = about.StartupInfo.hStdError = file;
  } else {
    about.lpAttributeList = nullptr;
  }
  PROCESS_INFORMATION made{};
  const BOOL started = CreateProcessW(
      wide(command[0]).c_str(), &line[0], nullptr, nullptr, has_log ? TRUE : FALSE,
      CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP | CREATE_UNICODE_ENVIRONMENT | EXTENDED_STARTUPINFO_PRESENT,
      &variables[0], nullptr, &about.StartupInfo, &made);
  const DWORD error = GetLastError();
  if (has_log) DeleteProcThreadAttributeList(about.lpAttributeList);
  if (file != INVALID_HANDLE_VALUE) CloseHandle(file);
  if (started == 0) {
    why = error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND ? "no such file"
                                                                         : "error " + std::to_string(error);
    return false;
  }
  CloseHandle(made.hThread);
  if (process_ != 0) CloseHandle(reinterpret_cast<HANDLE>(process_));
  process_ = reinterpret_cast<std::intptr_t>(made.hProcess);
  return true;
}

bool Child::runs() noexcept {
  if (process_ == 0) return false;
  if (WaitForSingleObject(reinterpret_cast<HANDLE>(process_), 0) == WAIT_TIMEOUT) return true;
  CloseHandle(reinterpret_cast<HANDLE>(process_));
  process_ = 0;
  return false;
}

Child::~Child() {
  if (process_ != 0) CloseHandle(reinterpret_cast<HANDLE>(process_));
}

}  // namespace sideman::plugin

#endif
