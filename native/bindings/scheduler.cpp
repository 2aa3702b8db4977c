#include "sideman/scheduler.h"

#include <array>
#include <cstdio>
#include <string>

#include "bindings.h"

namespace sideman::bindings {
namespace {

namespace py = pybind11;

constexpr std::size_t kMaxBatch = 256;  // events handed out in one call
using Batch = std::array<MidiEvent, kMaxBatch>;

py::list to_list(const Batch& batch, std::size_t count) {
  py::list events(count);
  for (std::size_t i = 0; i < count; ++i)
    events[i] = py::make_tuple(batch[i].due.count(), batch[i].status, batch[i].data1, batch[i].data2);
  return events;
}

bool push(Scheduler& scheduler, std::int64_t due_us, int status, int data1, int data2) {
  if (status < 0x80 || status > 0xEF || data1 < 0 || data1 > 127 || data2 < 0 || data2 > 127) {
    char text[120];
    std::snprintf(text, sizeof text, "%#x %d %d is no channel message: status 0x80..0xEF, data 0..127",
                  static_cast<unsigned>(status), data1, data2);
    throw py::value_error(text);
  }
  return scheduler.push({Micros{due_us}, static_cast<std::uint8_t>(status), static_cast<std::uint8_t>(data1),
                         static_cast<std::uint8_t>(data2)});
}

py::list wait_due(Scheduler& scheduler, std::int64_t timeout_us) {
  Batch batch;
  std::size_t count = 0;
  {
    py::gil_scoped_release release;
    count = scheduler.wait_due(Micros{timeout_us}, batch.data(), batch.size());
  }
  return to_list(batch, count);
}

py::list poll(Scheduler& scheduler, std::int64_t now_us) {
  Batch batch;
  return to_list(batch, scheduler.poll(Micros{now_us}, batch.data(), batch.size()));
}

py::list sounding(const Scheduler& scheduler) {
  py::list notes;
  for (std::size_t key = 0; key < kKeys; ++key)
    if (scheduler.is_sounding(key)) notes.append(py::make_tuple(key / 128, key % 128));
  return notes;
}

}  // namespace

void bind_scheduler(py::module_& module) {
  py::class_<Scheduler>(module, "Scheduler", "Bounded queue of MIDI events for one producer and one consumer thread.")
      .def(py::init([](std::int64_t capacity) {
             if (capacity < 2 || capacity > 1 << 20)
               throw py::value_error("capacity " + std::to_string(capacity) + " lies outside 2..1048576");
             return std::make_unique<Scheduler>(static_cast<std::size_t>(capacity));
           }),
           py::arg("capacity") = 4096)
      .def("push", &push, py::arg("due_us"), py::arg("status"), py::arg("data1"), py::arg("data2"),
           "Producer: queue a channel message; False when full.")
      .def(
          "cancel_from",
          [](Scheduler& scheduler, std::int64_t due_us) { return scheduler.cancel_from(Micros{due_us}); },
          py::arg("due_us"),
          "Producer: withdraw every event due at or after due_us; False when 64 commands wait undone.")
      .def("silence", &Scheduler::silence,
           "Producer: withdraw everything and end every sounding note now; False when 64 commands wait undone.")
      .def("close", &Scheduler::close, "Any thread: wake the waiter; wait_due() never blocks again.")
      .def_property_readonly("closed", &Scheduler::closed, "Any thread: whether close() was called.")
      .def("sounding", &sounding, "Any thread: (channel, pitch) of every note handed out and not ended, ascending.")
      .def("wait_due", &wait_due, py::arg("timeout_us"),
           "Consumer: block, the GIL released, until something is due; (due_us, status, data1, data2) in order.")
      .def("poll", &poll, py::arg("now_us"),
           "Consumer: what is due at now_us (read the clock before calling), at most 256 events, without waiting.");
}

}  // namespace sideman::bindings
