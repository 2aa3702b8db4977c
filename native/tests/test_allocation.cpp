#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <doctest/doctest.h>
#include <new>
#include <random>
#include <vector>

#include "layouts.h"
#include "random_network.h"
#include "sideman/scheduler.h"
#include "sideman/stream.h"
#include "stream_setup.h"

// An executable of its own: it replaces operator new for everybody in it.

namespace {

std::atomic<bool> counting{false};
std::atomic<std::int64_t> allocations{0};

void* take(std::size_t size, std::size_t alignment) {
  if (counting) ++allocations;
  size = (size + alignment - 1) / alignment * alignment;
#ifdef _WIN32
  void* at = _aligned_malloc(size, alignment);
#else
  void* at = std::aligned_alloc(alignment, size == 0 ? alignment : size);
#endif
  if (at == nullptr) throw std::bad_alloc();
  return at;
}

void give(void* at) noexcept {
#ifdef _WIN32
  _aligned_free(at);
#else
  std::free(at);
#endif
}

}  // namespace

// Every form: a sanitizer brings its own of those left out, and mixes.
void* operator new(std::size_t size) { return take(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new[](std::size_t size) { return take(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept { return take(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(std::size_t size, std::align_val_t alignment) { return take(size, std::size_t(alignment)); }
void* operator new[](std::size_t size, std::align_val_t alignment) { return take(size, std::size_t(alignment)); }
void operator delete(void* at) noexcept { give(at); }
void operator delete[](void* at) noexcept { give(at); }
void operator delete(void* at, std::size_t) noexcept { give(at); }
void operator delete[](void* at, std::size_t) noexcept { give(at); }
void operator delete(void* at, std::align_val_t) noexcept { give(at); }
void operator delete[](void* at, std::align_val_t) noexcept { give(at); }
void operator delete(void* at, std::size_t, std::align_val_t) noexcept { give(at); }
void operator delete[](void* at, std::size_t, std::align_val_t) noexcept { give(at); }

using namespace sideman;
using sideman::tests::performance_layout;
using sideman::tests::stream_config;
using sideman::tests::stream_rules;
using sideman::tests::Weights;

namespace {

/// Allocations of a call.
template <class Call>
std::int64_t allocations_of(Call&& call) {
  allocations = 0;
  counting = true;
  call();
  counting = false;
  return allocations;
}

}  // namespace

TEST_CASE("the count of allocations counts") {
  REQUIRE(allocations_of([] { std::vector<int>(100).at(3) = 1; }) == 1);
}

TEST_CASE("a stream takes its memory at load: none for tokens, chords, beats, knobs, blends, feeds, rollbacks") {
  const DecoderConfig config = stream_config();
  Weights weights(config);
  for (const std::string& kernel : kernel_variants())
    for (const Precision precision : {Precision::kExact, Precision::kInt16, Precision::kInt8}) {
      Decoder decoder(config, weights.tensors, precision, 201, 2, kernel.c_str());
      const Style style{{"encode_attn.k_proj", {weights.dense("a", 8, config.dim, 0.1f),
                                                weights.dense("b", config.dim, 8, 0.1f), 8, config.dim, config.dim, 2.0f}}};
      decoder.set_style(1, style);
      Stream stream(decoder, performance_layout(), stream_rules(), 3, 200);
      std::mt19937 random(5);
      const auto below = [&](int end) { return static_cast<int>(random() % static_cast<unsigned>(end)); };
      std::vector<std::int64_t> ids(60, 400), steps(60, 0);
      std::vector<StreamEvent> events(512);
      StreamEvent ends[kPitches];
      SamplerParams params;
      const Form form{{{2.0, 4.0, 0.0, 1}}, 4.0, std::nullopt};
      const std::size_t bytes = decoder.memory_bytes();
      const std::int64_t taken = allocations_of([&] {
        for (int round = 0; round < 12; ++round) {
          for (std::size_t i = 1; i < ids.size(); ++i) {
            ids[i] = 400 + below(289);
            steps[i] = steps[i - 1] + below(40);
          }
          const std::int64_t now = stream.until();
          stream.set_chords(ids.data(), steps.data(), ids.size(), now);
          stream.set_beat(Beat{60.0 + below(140), 1 + below(7), below(100) / 10.0});
          const float levels[] = {static_cast<float>(below(4) - 1), static_cast<float>(below(30)) / 10.0f, -1.0f, -1.0f};
          stream.set_levels(levels, 4);
          stream.set_phrase(below(20) / 10.0);
          stream.set_form(form);
          stream.set_theme(below(4) / 3.0);
          stream.set_ending(now + below(900));
          params.temperature = 0.2 + below(10) / 10.0;
          params.top_k = below(30);
          stream.set_params(params, static_cast<float>(below(3)));
          decoder.set_style_weights({0.0f, static_cast<float>(below(10)) / 10.0f, 0.0f, 0.0f});
          stream.refresh();
          const StreamEvent fed[] = {{now + 5, 60, 9}, {now + 9, 60, -1}};
          stream.feed(fed, 2);
          stream.generate(stream.until() + 40, events.data(), events.size());
          stream.rollback(stream.until() - below(30));
          if (round % 4 == 3) stream.end(ends);
        }
      });
      INFO(kernel);
      REQUIRE(taken == 0);
      REQUIRE(decoder.memory_bytes() == bytes);
      REQUIRE(stream.length() > 50);
    }
}

TEST_CASE("a scheduler takes its memory at construction") {
  Scheduler scheduler(64);
  const std::int64_t taken = allocations_of([&] {
    for (int i = 0; i < 200; ++i) {
      scheduler.push({Micros{i}, 0x90, 60, 100});
      scheduler.push({Micros{i + 1}, 0x80, 60, 0});
      if (i % 7 == 0) scheduler.cancel_from(Micros{i});
      if (i % 50 == 0) scheduler.silence();
      MidiEvent due[4];
      while (scheduler.wait_due(Micros{0}, due, 4) > 0) {
      }
    }
  });
  REQUIRE(taken == 0);
}
