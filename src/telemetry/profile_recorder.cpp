// SPDX-License-Identifier: Apache-2.0
#include "telemetry/profile_recorder.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace pst::telemetry {
namespace {

using nlohmann::ordered_json;
using trace::Kind;
using trace::Way;

constexpr std::size_t kBuffered = 16384;  // spans, 2 MB
constexpr std::size_t kBlock = 1 << 18;   // bytes handed to the kernel at once

std::int64_t monotonic_ns() { return static_cast<std::int64_t>(1e9 * monotonic_seconds()); }

/// Cut, not refused, when it is too long.
template <std::size_t N>
void put(char (&to)[N], const char* from) {
  to[0] = 0;
  if (from != nullptr) std::strncat(to, from, N - 1);
}

/// Names are ours, or a layer's from the model's files.
std::string plain(const char* text) {
  std::string out;
  for (const char* c = text; *c != 0; ++c) out += *c >= ' ' && *c < 127 && *c != '"' && *c != '\\' ? *c : '?';
  return out;
}

std::string metadata(const char* name, std::int64_t pid, int tid, const ordered_json& args) {
  ordered_json line = {{"ph", "M"}, {"name", name}, {"pid", pid}};
  if (tid > 0) line["tid"] = tid;
  line["args"] = args;
  return line.dump(-1, ' ', false, ordered_json::error_handler_t::replace) + ",\n";
}

}  // namespace

ProfileRecorder::ProfileRecorder(Setup setup) : setup_(std::move(setup)), rank_(setup_.about.value("rank", 0)) {
  buffer_.reserve(kBuffered);
}

ProfileRecorder::~ProfileRecorder() {
  const std::lock_guard lock(mutex_);
  if (!file_) return;
  for (auto& [thread, lane] : lanes_) end_layer(lane);
  write_out();
  if (lost_ > 0) append(metadata("lost_spans", rank_, 0, {{"spans", lost_}}));
  append("{}]\n");
}

std::int64_t ProfileRecorder::lost_spans() const {
  const std::lock_guard lock(mutex_);
  return lost_;
}

trace::Sink* ProfileRecorder::step(std::int64_t step) {
  const std::lock_guard lock(mutex_);
  if (began_ns_ != 0) write_out();
  step_ = step;
  const bool traced = step >= setup_.first_step && step <= setup_.last_step;
  if (!traced) {
    if (began_ns_ != 0 && ended_ns_ == 0) ended_ns_ = monotonic_ns();
    return nullptr;
  }
  if (began_ns_ != 0) return this;
  began_ns_ = origin_ns_ = monotonic_ns();
  ordered_json about = {{"format", kProfileFormat}};
  for (const auto& [key, value] : setup_.about.items()) about[key] = value;
  about["first_step"] = setup_.first_step;
  about["last_step"] = setup_.last_step;
  about["origin_unix_s"] = unix_seconds();
  try {
    make_directories(setup_.file.parent_path());
    file_ = std::make_unique<AppendFile>(setup_.file);
  } catch (const Error&) {
    return nullptr;  // `profile` tells that this rank's file is missing
  }
  append("[\n" + metadata("peft_studio", rank_, 0, about) +
         metadata("process_name", rank_, 0,
                  {{"name", "rank " + std::to_string(rank_) + " on " + setup_.about.value("host", std::string("?"))}}));
  return this;
}

void ProfileRecorder::clock(const ClockReading& reading) {
  const std::lock_guard lock(mutex_);
  append(
      metadata("clock", rank_, 0,
               {{"unix_s", reading.unix_s}, {"offset_s", reading.offset_s}, {"uncertainty_s", reading.uncertainty_s}}));
}

void ProfileRecorder::entered(const trace::Label& label) noexcept {
  if (setup_.ranges.push != nullptr) setup_.ranges.push(label.name);
}

void ProfileRecorder::left(const trace::Span& span) noexcept {
  if (setup_.ranges.pop != nullptr && span.label.kind != Kind::phase) setup_.ranges.pop();
  const std::lock_guard lock(mutex_);
  if (!file_ || span.end_ns < began_ns_ || (ended_ns_ != 0 && span.begin_ns > ended_ns_)) return;
  const auto [found, is_new] = lanes_.try_emplace(std::this_thread::get_id());
  Lane& lane = found->second;
  if (is_new) {
    lane.number = static_cast<std::uint8_t>(std::min<std::size_t>(lanes_.size(), 255));
    append(metadata("thread_name", rank_, lane.number,
                    {{"name", span.label.kind == Kind::disk ? "checkpoint writer" : "training"}}));
  }
  // Backward's layers have no scope of their own: one lasts from its first step to its last.
  const bool loose =
      span.label.way == Way::backward && span.label.layer >= 0 && !span.in_layer && span.label.kind != Kind::layer;
  if (loose) {
    // Spans inside another one end before it, and their begin lies within: only the outermost may start a layer.
    if (lane.layer != span.label.layer) {
      end_layer(lane);
      lane.layer = span.label.layer;
      lane.begin_ns = span.begin_ns;
    }
    lane.begin_ns = std::min(lane.begin_ns, span.begin_ns);
    lane.end_ns = span.end_ns;
  } else if (span.label.kind == Kind::phase || span.label.kind == Kind::layer || span.label.kind == Kind::step) {
    end_layer(lane);
  }
  push(span, lane);
}

void ProfileRecorder::end_layer(Lane& lane) {
  if (lane.layer < 0) return;
  push({.label = {.kind = Kind::layer, .name = "layer", .layer = lane.layer, .way = Way::backward},
        .begin_ns = lane.begin_ns,
        .end_ns = lane.end_ns,
        .self_ns = 0,  // what passed between its steps is the phase's
        .in_layer = false},
       lane);
  lane.layer = -1;
}

void ProfileRecorder::push(const trace::Span& span, const Lane& lane) {
  if (spans_ >= setup_.most_spans) {
    ++lost_;
    return;
  }
  ++spans_;
  if (buffer_.size() == kBuffered) {
    const std::int64_t begin_ns = monotonic_ns();
    write_out();
    push({.label = {.kind = Kind::disk, .name = "writing the profile"},
          .begin_ns = begin_ns,
          .end_ns = monotonic_ns(),
          .self_ns = 0,
          .in_layer = false},
         lane);
  }
  const trace::Label& label = span.label;
  Event event{label.kind, label.way,     lane.number, label.layer,  step_, label.bytes,
              label.turn, span.begin_ns, span.end_ns, span.self_ns, {},    {}};
  put(event.name, label.name);
  put(event.group, label.group);
  buffer_.push_back(event);
}

std::string ProfileRecorder::line_of(const Event& event) const {
  std::string name = plain(event.name);
  if (event.kind == Kind::layer) name += " " + std::to_string(event.layer);
  if (event.way == Way::backward) name += " backward";
  if (event.way == Way::again) name += " again";
  char text[400];
  std::snprintf(text, sizeof text,
                R"({"ph":"X","pid":%d,"tid":%d,"ts":%.3f,"dur":%.3f,"cat":"%s","name":"%s","args":{"step":%lld)", rank_,
                event.lane, 1e-3 * static_cast<double>(event.begin_ns - origin_ns_),
                1e-3 * static_cast<double>(event.end_ns - event.begin_ns), trace::name_of(event.kind), name.c_str(),
                static_cast<long long>(event.step));
  std::string line = text;
  if (event.layer >= 0) line += ",\"layer\":" + std::to_string(event.layer);
  std::snprintf(text, sizeof text, ",\"self_us\":%.3f", 1e-3 * static_cast<double>(event.self_ns));
  line += text;
  if (event.bytes > 0) line += ",\"bytes\":" + std::to_string(event.bytes);
  if (event.group[0] != 0) line += ",\"group\":\"" + plain(event.group) + "\"";
  if (event.turn > 0) line += ",\"turn\":" + std::to_string(event.turn);
  return line + "}},\n";
}

void ProfileRecorder::write_out() {
  std::string block;
  for (const Event& event : buffer_) {
    block += line_of(event);
    if (block.size() < kBlock) continue;
    append(block);
    block.clear();
  }
  if (!block.empty()) append(block);
  buffer_.clear();
}

void ProfileRecorder::append(const std::string& lines) noexcept {
  if (!file_) return;
  try {
    file_->append(std::string_view(lines).substr(0, lines.size() - 1));  // it adds the last newline
  } catch (const Error&) {
    lost_ += static_cast<std::int64_t>(std::count(lines.begin(), lines.end(), '\n'));
  }
}

}  // namespace pst::telemetry
