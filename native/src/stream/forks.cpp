#include <algorithm>
#include <stdexcept>

#include "sideman/stream.h"

namespace sideman {

Stream::Stream(Decoder& decoder, const Stream& parent, std::uint64_t seed, int rollback)
    : Stream(decoder, parent.layout_, parent.rules_, seed, rollback) {
  if (decoder.length() != parent.decoder_.length())
    throw std::invalid_argument("a fork's decoder must be forked from the parent's where that stands now");
  copy(parent, parent.decoder_.length());
}

bool Stream::copy(const Stream& other, std::int64_t same) {
  if (this == &other) return true;
  if (!decoder_.copy(other.decoder_, std::min({same, decoder_.length(), other.decoder_.length()}))) return false;
  sampler_.copy(other.sampler_);
  chords_ = other.chords_;
  beat_ = other.beat_;
  leans_ = other.leans_;
  asked_ = other.asked_;
  form_s_ = other.form_s_;
  end_step_ = other.end_step_;
  chord_strength_ = other.chord_strength_;
  stored_ = std::min(other.stored_, ring_.size());
  for (std::size_t age = 0; age < stored_; ++age) ring_[stored_ - 1 - age] = other.past(age);
  newest_ = stored_ > 0 ? stored_ - 1 : 0;
  onsets_ = other.onsets_;
  step_ = other.step_;
  until_ = other.until_;
  drawn_.reset();  // the other's draw: its own may differ
  has_logits_ = other.has_logits_;
  logits_ = other.logits_;
  return true;
}

void Stream::feed_together(Stream* const* streams, std::size_t count, const std::vector<StreamEvent>* events) {
  for (std::size_t i = 0; i < count; ++i) streams[i]->check(events[i].data(), events[i].size());
  std::vector<Feeding> feeding;
  for (std::size_t i = 0; i < count; ++i) {
    streams[i]->drawn_.reset();
    feeding.push_back({events[i].data(), events[i].data() + events[i].size()});
  }
  std::vector<Stream*> going;
  std::vector<int> tokens;
  do {
    going.clear();
    tokens.clear();
    for (std::size_t i = 0; i < count; ++i)
      if (const auto token = streams[i]->next_fed(feeding[i])) {
        going.push_back(streams[i]);
        tokens.push_back(*token);
      }
    compute_logits(going);
    for (std::size_t i = 0; i < going.size(); ++i) going[i]->advance(tokens[i]);
  } while (!going.empty());
  for (std::size_t i = 0; i < count; ++i) streams[i]->until_ = std::max(streams[i]->until_, streams[i]->step_);
}

void Stream::generate_together(Stream* const* streams, std::size_t count, std::int64_t until,
                               std::vector<StreamEvent>* events) {
  std::vector<std::size_t> playing(count);
  for (std::size_t i = 0; i < count; ++i) playing[i] = i;
  std::vector<Stream*> going;
  while (!playing.empty()) {
    going.clear();
    for (const std::size_t i : playing) going.push_back(streams[i]);
    compute_logits(going);
    playing.erase(std::remove_if(playing.begin(), playing.end(),
                                 [&](std::size_t i) {
                                   std::optional<StreamEvent> event;
                                   const bool goes_on = streams[i]->play(until, event);
                                   if (event) events[i].push_back(*event);
                                   return !goes_on;
                                 }),
                  playing.end());
  }
}

/// Of the streams that lack them.
void Stream::compute_logits(const std::vector<Stream*>& streams) {
  std::vector<Decoder*> decoders;
  std::vector<DecoderInput> inputs;
  std::vector<float*> logits;
  for (Stream* stream : streams) {
    if (stream->has_logits_) continue;
    if (stream->stored_ == 0) stream->advance(stream->layout_.bos);
    decoders.push_back(&stream->decoder_);
    inputs.push_back(stream->newest_input());
    logits.push_back(stream->logits_.data());
  }
  Decoder::feed_together(decoders.data(), inputs.data(), logits.data(), static_cast<int>(decoders.size()));
  for (Stream* stream : streams) stream->has_logits_ = true;
}

}  // namespace sideman
