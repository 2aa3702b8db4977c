#include "sideman/midi_ring.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "bindings.h"

namespace sideman::bindings {

void bind_midi_ring(pybind11::module_& module) {
  namespace py = pybind11;

  py::class_<MidiRing>(module, "MidiRing",
                       "Bounded queue of short MIDI messages for one producer and one consumer thread.")
      .def(py::init([](std::int64_t capacity) {
             if (capacity < 1 || capacity > 1 << 20)
               throw py::value_error("capacity " + std::to_string(capacity) + " lies outside 1..1048576");
             return std::make_unique<MidiRing>(static_cast<std::size_t>(capacity));
           }),
           py::arg("capacity") = 1024)
      .def(
          "push",
          [](MidiRing& ring, std::int64_t time_us, const py::bytes& message) {
            const std::string_view bytes = message;
            if (bytes.empty() || bytes.size() > 3)
              throw py::value_error("a short MIDI message has 1..3 bytes, not " + std::to_string(bytes.size()) +
                                    ": keep SysEx out of this ring");
            MidiMessage slot;
            slot.time = Micros{time_us};
            slot.size = static_cast<std::uint8_t>(bytes.size());
            std::copy(bytes.begin(), bytes.end(), reinterpret_cast<char*>(slot.bytes));
            return ring.push(slot);
          },
          py::arg("time_us"), py::arg("message"),
          "Producer: queue a message of 1..3 bytes; False (and counted) when full.")
      .def(
          "pop_all",
          [](MidiRing& ring) {
            py::list messages;
            MidiMessage slot;
            for (std::size_t waiting = ring.size(); waiting > 0 && ring.pop(slot); --waiting)
              messages.append(
                  py::make_tuple(slot.time.count(), py::bytes(reinterpret_cast<const char*>(slot.bytes), slot.size)));
            return messages;
          },
          "Consumer: everything queued, oldest first.")
      .def_property_readonly("dropped", &MidiRing::dropped,
                             "Messages refused so far because the ring was full. Any thread.");
}

}  // namespace sideman::bindings
