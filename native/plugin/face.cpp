#include <cstdio>
#include <cstring>
#include <exception>

#include "clap_abi.h"
#include "instance.h"

// The CLAP face: tables of functions that find their instance and ask it.
namespace sideman::plugin {
namespace {

using namespace clap;

const char* const kFeatures[] = {"instrument", "note-effect", "stereo", nullptr};
const Descriptor kDescriptor{kVersion, "sideman.sideman", "Sideman", "Sideman", "", "", "", SIDEMAN_VERSION,
                             "An AI piano sideman: it improvises over your chords, in time, as notes.", kFeatures};

struct Made {
  explicit Made(const Host* host) : instance(host) {}
  Instance instance;
  Plugin plugin{};
};

/// No exception may reach the host: where memory or threads are missing, the call fails.
template <typename Call>
bool guarded(Call call) noexcept {
  try {
    return call();
  } catch (const std::exception&) {
    return false;
  }
}

Instance& of(const Plugin* plugin) noexcept { return static_cast<Made*>(plugin->plugin_data)->instance; }

void put(char* target, std::size_t size, const char* text) noexcept { std::snprintf(target, size, "%s", text); }

const PluginNotePorts kNotePorts{
    [](const Plugin*, bool) -> std::uint32_t { return 1; },
    [](const Plugin*, std::uint32_t index, bool is_input, NotePortInfo* info) -> bool {
      if (index != 0) return false;
      info->id = is_input ? 1 : 2;
      info->supported_dialects = kDialectClap | kDialectMidi;
      info->preferred_dialect = kDialectClap;
      put(info->name, kNameSize, is_input ? "You" : "Sideman");
      return true;
    }};

const PluginAudioPorts kAudioPorts{
    [](const Plugin*, bool is_input) -> std::uint32_t { return is_input ? 0 : 1; },
    [](const Plugin*, std::uint32_t index, bool is_input, AudioPortInfo* info) -> bool {
      if (is_input || index != 0) return false;
      info->id = 1;
      put(info->name, kNameSize, "Silence");
      info->flags = kAudioPortIsMain | kAudioPortSupports64;
      info->channel_count = 2;
      info->port_type = "stereo";
      info->in_place_pair = kInvalidId;
      return true;
    }};

const PluginParams kParams{
    [](const Plugin*) -> std::uint32_t { return kNumRows + 1; },
    [](const Plugin*, std::uint32_t index, ParamInfo* info) -> bool {
      if (index > kNumRows) return false;
      std::memset(info, 0, sizeof *info);
      if (index == kNumRows) {
        info->id = kEngineStateId;
        info->flags = kParamStepped | kParamReadOnly;
        put(info->name, kNameSize, "Engine");
        info->max_value = static_cast<double>(EngineState::kReady);
        return true;
      }
      const Row& row = kRows[index];
      info->id = row.id;
      info->flags = kParamAutomatable | (row.choices == nullptr ? kParamModulatable : 0u) |
                    (row.whole ? kParamStepped : 0u) | (row.choices == nullptr ? 0u : kParamEnum);
      if (std::strcmp(row.name, kSeedName) == 0) info->flags = kParamStepped;  // not for lanes
      put(info->name, kNameSize, row.label);
      info->min_value = row.low;
      info->max_value = row.high;
      info->default_value = row.initial;
      return true;
    },
    [](const Plugin* plugin, Id id, double* value) -> bool {
      const std::size_t row = row_of(id);
      if (id == kEngineStateId)
        *value = of(plugin).exchange().state.load();
      else if (row < kNumRows)
        *value = of(plugin).exchange().values[row].load(std::memory_order_relaxed);
      else
        return false;
      return true;
    },
    [](const Plugin* plugin, Id id, double value, char* text, std::uint32_t size) -> bool {
      const std::size_t row = row_of(id);
      if (size == 0 || (row == kNumRows && id != kEngineStateId)) return false;
      if (id == kEngineStateId)
        of(plugin).engine_text(value, text, size);
      else
        value_to_text(kRows[row], value, text, size);
      return true;
    },
    [](const Plugin*, Id id, const char* text, double* value) -> bool {
      const std::size_t row = row_of(id);
      return row < kNumRows && text_to_value(kRows[row], text, *value);
    },
    [](const Plugin* plugin, const InputEvents* in, const OutputEvents* out) { of(plugin).flush(in, out); }};

const PluginState kState{
    [](const Plugin* plugin, const OutStream* stream) -> bool {
      return guarded([&] { return of(plugin).save(stream); });
    },
    [](const Plugin* plugin, const InStream* stream) -> bool {
      return guarded([&] { return of(plugin).load(stream); });
    }};

const PluginLatency kLatency{[](const Plugin*) -> std::uint32_t { return 0; }};
const PluginTail kTail{[](const Plugin*) -> std::uint32_t { return 0; }};  // of the audio, which is silent

const PluginRender kRender{[](const Plugin*) -> bool { return false; },
                           [](const Plugin* plugin, std::int32_t mode) -> bool {
                             of(plugin).set_offline(mode == kRenderOffline);
                             return true;
                           }};

const void* extension(const Plugin*, const char* id) {
  const struct {
    const char* id;
    const void* table;
  } extensions[] = {{kNotePortsId, &kNotePorts}, {kAudioPortsId, &kAudioPorts}, {kParamsId, &kParams},
                    {kStateId, &kState},         {kLatencyId, &kLatency},       {kTailId, &kTail},
                    {kRenderId, &kRender}};
  for (const auto& known : extensions)
    if (std::strcmp(known.id, id) == 0) return known.table;
  return nullptr;
}

const Plugin* create(const Factory*, const Host* host, const char* id) {
  if (host == nullptr || id == nullptr || std::strcmp(id, kDescriptor.id) != 0) return nullptr;
  Made* made = nullptr;
  try {
    made = new Made(host);
  } catch (const std::exception&) {
    return nullptr;
  }
  Plugin& plugin = made->plugin;
  plugin.desc = &kDescriptor;
  plugin.plugin_data = made;
  plugin.init = [](const Plugin* self) -> bool { return of(self).init(), true; };
  plugin.destroy = [](const Plugin* self) { delete static_cast<Made*>(self->plugin_data); };
  plugin.activate = [](const Plugin* self, double rate, std::uint32_t, std::uint32_t) -> bool {
    return guarded([&] { return of(self).activate(rate); });
  };
  plugin.deactivate = [](const Plugin*) {};
  plugin.start_processing = [](const Plugin*) -> bool { return true; };
  plugin.stop_processing = [](const Plugin*) {};
  plugin.reset = [](const Plugin* self) { of(self).reset(); };
  plugin.process = [](const Plugin* self, const Process* process) -> ProcessStatus { return of(self).process(process); };
  plugin.get_extension = extension;
  plugin.on_main_thread = [](const Plugin* self) { of(self).on_main_thread(); };
  return &plugin;
}

const Factory kFactory{[](const Factory*) -> std::uint32_t { return 1; },
                       [](const Factory*, std::uint32_t index) -> const Descriptor* {
                         return index == 0 ? &kDescriptor : nullptr;
                       },
                       create};

bool entry_init(const char*) { return true; }
void entry_deinit() {}
const void* entry_factory(const char* id) {
  return id != nullptr && std::strcmp(id, kFactoryId) == 0 ? &kFactory : nullptr;
}

}  // namespace
}  // namespace sideman::plugin

extern "C" {
extern SIDEMAN_CLAP_EXPORT const sideman::clap::Entry clap_entry;
const sideman::clap::Entry clap_entry{sideman::clap::kVersion, sideman::plugin::entry_init,
                                      sideman::plugin::entry_deinit, sideman::plugin::entry_factory};
}
