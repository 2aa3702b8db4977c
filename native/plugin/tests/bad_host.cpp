// A host without manners: calls in any order, blocks of any size, events of any content, two threads at once; against
// an engine without manners. It fails by a sanitizer, by a crash, or where two strikes of a key have no end between.
//
//   bad_host CALLS SEED ADDRESS_FILE
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "../clap_abi.h"
#include "wild_engine.h"

extern "C" const sideman::clap::Entry clap_entry;

namespace {

using namespace sideman::clap;
using Draw = sideman::plugin::WildEngine::Draw;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

union Event {
  EventHeader header;
  EventNote note;
  EventParam param;
  EventTransport transport;
  EventMidi midi;
};

double wild(Draw& draw) {
  const double values[] = {0.0, 1.0, -1.0, 0.5, 1e300, -1e300, kNan, 120.0, 1e-300, 3.7};
  return values[draw() % 10];
}

EventTransport transport(Draw& draw, std::uint32_t time) {
  EventTransport event{};
  event.header = {sizeof event, time, kCoreSpace, sideman::clap::kTransport, 0};
  event.flags = draw() % 256;
  event.song_pos_beats = draw() % 16 == 0 ? std::numeric_limits<BeatTime>::min() : BeatTime(draw()) * (draw() % 64);
  event.tempo = draw() % 4 == 0 ? wild(draw) : 60.0 + draw() % 200;
  event.tempo_inc = draw() % 4 == 0 ? wild(draw) : 0.0;
  event.loop_start_beats = BeatTime(draw());
  event.loop_end_beats = BeatTime(draw()) * 2;
  event.tsig_num = static_cast<std::uint16_t>(draw() % 20);
  event.tsig_denom = static_cast<std::uint16_t>(draw() % 20);
  return event;
}

struct Lists {
  std::vector<Event> in;
  std::vector<int> sounding = std::vector<int>(16 * 128, 0);
  std::uint32_t last_time = 0;
  std::uint32_t frames = 0;
};

std::uint32_t in_size(const InputEvents* list) {
  return static_cast<std::uint32_t>(static_cast<Lists*>(list->ctx)->in.size());
}

const EventHeader* in_get(const InputEvents* list, std::uint32_t index) {
  return &static_cast<Lists*>(list->ctx)->in[index].header;
}

bool out_push(const OutputEvents* list, const EventHeader* event) {
  Lists& lists = *static_cast<Lists*>(list->ctx);
  if (event->time < lists.last_time || (event->time > 0 && event->time >= lists.frames)) {
    std::fprintf(stderr, "an event at frame %u after %u of %u\n", event->time, lists.last_time, lists.frames);
    std::abort();
  }
  lists.last_time = event->time;
  if (event->type > kNoteOff) return true;
  const auto& note = *reinterpret_cast<const EventNote*>(event);
  int& sounds = lists.sounding[static_cast<std::size_t>(note.channel * 128 + note.key)];
  const int after = event->type == kNoteOn ? 1 : 0;
  if (sounds == after) {
    std::fprintf(stderr, "key %d twice %s\n", note.key, after != 0 ? "struck" : "ended");
    std::abort();
  }
  sounds = after;
  return true;
}

void fill(Lists& lists, Draw& draw, std::uint32_t frames) {
  lists.in.clear();
  lists.last_time = 0;
  lists.frames = frames;
  for (std::uint32_t i = draw() % 5; i > 0; --i) {
    Event event;
    std::memset(&event, 0, sizeof event);
    const std::uint32_t time = draw() % 8 == 0 ? draw() : draw() % (frames + 1);
    switch (draw() % 4) {
      case 0:
        event.note = {{sizeof(EventNote), time, kCoreSpace, static_cast<std::uint16_t>(draw() % 3), 0},
                      -1, 0, static_cast<std::int16_t>(int(draw() % 18) - 1), static_cast<std::int16_t>(int(draw() % 140) - 2),
                      wild(draw)};
        break;
      case 1:
        event.param = {{sizeof(EventParam), time, kCoreSpace, static_cast<std::uint16_t>(5u + draw() % 2u), 0},
                       draw() % 2 != 0 ? 3924994357u : Id(draw()), nullptr, -1, -1, -1, -1, wild(draw)};
        break;
      case 2:
        event.midi.header = {sizeof(EventMidi), time, kCoreSpace, kMidi, 0};
        for (std::uint8_t& byte : event.midi.data) byte = static_cast<std::uint8_t>(draw());
        break;
      default:
        event.transport = transport(draw, time);
    }
    lists.in.push_back(event);
  }
}

void process(const Plugin* plugin, Lists& lists, Draw& draw) {
  const std::uint32_t sizes[] = {0, 1, 32, 64, 441, 512, 8192};
  const std::uint32_t frames = sizes[draw() % 7];
  fill(lists, draw, frames);
  const EventTransport now = transport(draw, 0);
  const InputEvents in{&lists, in_size, in_get};
  const OutputEvents out{&lists, out_push};
  std::vector<float> left(frames), right(frames);
  float* channels[] = {left.data(), right.data()};
  AudioBuffer audio{channels, nullptr, 2, 0, 0};
  const bool has_audio = draw() % 4 != 0;
  const Process block{-1,  frames, draw() % 8 == 0 ? nullptr : &now, nullptr, has_audio ? &audio : nullptr, 0,
                      has_audio ? 1u : 0u, draw() % 8 == 0 ? nullptr : &in, &out};
  plugin->process(plugin, &block);
}

std::int64_t write_bytes(const OutStream* stream, const void* bytes, std::uint64_t size) {
  const auto* first = static_cast<const char*>(bytes);
  const std::uint64_t some = size < 100 ? size : 100;
  static_cast<std::string*>(stream->ctx)->append(first, some);
  return static_cast<std::int64_t>(some);
}

std::int64_t read_bytes(const InStream* stream, void* bytes, std::uint64_t size) {
  auto& rest = *static_cast<std::string*>(stream->ctx);
  const std::size_t some = std::min<std::size_t>({rest.size(), static_cast<std::size_t>(size), 77});
  std::memcpy(bytes, rest.data(), some);
  rest.erase(0, some);
  return static_cast<std::int64_t>(some);
}

template <typename Table>
const Table& extension(const Plugin* plugin, const char* id) {
  return *static_cast<const Table*>(plugin->get_extension(plugin, id));
}

/// What a main thread may do at any time.
void main_thread(const Plugin* plugin, Draw& draw) {
  const auto& params = extension<PluginParams>(plugin, kParamsId);
  char text[40];
  double value;
  ParamInfo info;
  switch (draw() % 6) {
    case 0: {
      std::string state;
      const OutStream out{&state, write_bytes};
      extension<PluginState>(plugin, kStateId).save(plugin, &out);
      if (draw() % 2 != 0 && !state.empty()) state[draw() % state.size()] = static_cast<char>(draw());
      const InStream in{&state, read_bytes};
      extension<PluginState>(plugin, kStateId).load(plugin, &in);
      break;
    }
    case 1:
      if (!params.get_info(plugin, draw() % (params.count(plugin) + 1), &info)) break;
      params.get_value(plugin, info.id, &value);
      params.value_to_text(plugin, info.id, draw() % 2 != 0 ? value : wild(draw), text,
                           static_cast<std::uint32_t>(draw() % sizeof text));
      break;
    case 2:
      params.text_to_value(plugin, draw() % 2 != 0 ? 3924994357u : 1u, draw() % 2 != 0 ? "0.5" : "auto", &value);
      break;
    case 3:
      extension<PluginRender>(plugin, kRenderId).set(plugin, draw() % 8 == 0 ? 1 : 0);
      break;
    case 4:
      plugin->on_main_thread(plugin);
      break;
    default:
      extension<PluginLatency>(plugin, kLatencyId).get(plugin);
      plugin->get_extension(plugin, "clap.unknown");
  }
}

/// Every call, one after the other, in any order.
void any_order(const Plugin* plugin, Lists& lists, Draw& draw) {
  switch (draw() % 10) {
    case 0:
      plugin->activate(plugin, draw() % 8 == 0 ? wild(draw) : 22050.0 * (1 << draw() % 4), 1, draw() % 8192);
      break;
    case 1:
      plugin->deactivate(plugin);
      break;
    case 2:
      plugin->start_processing(plugin);
      break;
    case 3:
      plugin->stop_processing(plugin);
      break;
    case 4:
      plugin->reset(plugin);
      break;
    case 5: {
      fill(lists, draw, 1);
      const InputEvents in{&lists, in_size, in_get};
      const OutputEvents out{&lists, out_push};
      extension<PluginParams>(plugin, kParamsId).flush(plugin, &in, &out);
      break;
    }
    case 6:
      main_thread(plugin, draw);
      break;
    default:
      process(plugin, lists, draw);
  }
}

const Host kHost{kVersion, nullptr, "bad host", "", "", "1",
                 [](const Host*, const char*) -> const void* { return nullptr; }, [](const Host*) {},
                 [](const Host*) {}, [](const Host*) {}};

/// Where the engine is gone, the plug-in starts a program that ends at once.
void write_start(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  const std::string text = "sideman start 1\n/bin/true\n";
  if (file < 0 || ::write(file, text.data(), text.size()) != static_cast<ssize_t>(text.size())) std::abort();
  ::close(file);
}

const Plugin* make() {
  const auto* factory = static_cast<const Factory*>(clap_entry.get_factory(kFactoryId));
  const Plugin* plugin = factory->create_plugin(factory, &kHost, "sideman.sideman");
  plugin->init(plugin);
  return plugin;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    std::fprintf(stderr, "usage: bad_host CALLS SEED ADDRESS_FILE\n");
    return 2;
  }
  const long calls = std::atol(argv[1]);
  Draw draw(static_cast<std::uint32_t>(std::atol(argv[2])));
  setenv("SIDEMAN_SERVE", argv[3], 1);
  write_start(std::string(argv[3]) + ".start");
  auto engine = std::make_unique<sideman::plugin::WildEngine>(argv[3], draw());
  clap_entry.init("");

  const Plugin* plugin = make();
  auto lists = std::make_unique<Lists>();
  for (long i = 0; i < calls; ++i) {
    any_order(plugin, *lists, draw);
    if (draw() % 400 == 0) {
      plugin->destroy(plugin);
      plugin = make();
      lists = std::make_unique<Lists>();
    }
    if (draw() % 2000 == 0) {
      engine.reset();
      engine = std::make_unique<sideman::plugin::WildEngine>(argv[3], draw());
    }
  }
  plugin->destroy(plugin);

  for (int round = 0; round < 4; ++round) {  // as CLAP allows it: one audio thread, one main thread
    plugin = make();
    plugin->activate(plugin, 48000.0, 1, 8192);
    std::thread audio([plugin, seed = draw(), calls] {
      Draw own{seed};
      Lists mine;
      for (long i = 0; i < calls / 4; ++i) process(plugin, mine, own);
    });
    for (long i = 0; i < calls / 4; ++i) main_thread(plugin, draw);
    audio.join();
    plugin->deactivate(plugin);
    plugin->destroy(plugin);
  }
  clap_entry.deinit();
  std::puts("no complaint");
  return 0;
}
