// SPDX-License-Identifier: Apache-2.0
#include "app/infer.hpp"

#include <algorithm>
#include <deque>
#include <filesystem>
#include <iostream>
#include <map>
#include <set>
#include <unordered_map>

#include "app/answerer.hpp"
#include "app/batch_row.hpp"
#include "app/this_machine.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/file.hpp"
#include "core/keyed_hash.hpp"
#include "core/strings.hpp"
#include "infer/engine.hpp"
#include "infer/text_stream.hpp"
#include "ops/torch_exec.hpp"

namespace pst::app {
namespace {

namespace fs = std::filesystem;

/// A line of the input that has no answer yet.
struct Line {
  int number;
  std::string id, text;
};

/// Without their ends (LF or CRLF). A last line that is empty is none.
std::vector<std::string_view> lines_in(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back(line);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

[[noreturn]] void refuse_line(const fs::path& output, int number) {
  throw Error(Fault::usage, cat(output.string(), ":", number, " is no line that `infer` wrote"),
              "name another file with --output");
}

/// What an output has, by the rows' ids. The last line of an id counts.
std::map<std::string, std::string> lines_of_output(const fs::path& output) {
  std::map<std::string, std::string> lines;
  if (!RegularFile::open_if_there(output)) return lines;
  const std::string text = read_file(output, std::uint64_t{1} << 40);
  const std::size_t whole = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  int number = 0;
  for (const std::string_view line : lines_in(std::string_view(text).substr(0, whole))) {
    ++number;
    const auto record = doing(cat(output.string(), ":", number), [&] { return data::parse_record(line); });
    if (!record.contains("id") || !record["id"].is_string() || !record.contains("response"))
      refuse_line(output, number);
    lines[record["id"].get<std::string>()] = std::string(line);
  }
  if (whole == text.size()) return lines;
  // A line that was torn: its row is answered again. What begins as no line of ours is somebody's.
  const std::string_view torn = std::string_view(text).substr(whole);
  if (torn.substr(0, kLineBegins.size()) != kLineBegins.substr(0, torn.size())) refuse_line(output, number + 1);
  std::error_code status;
  fs::resize_file(output, whole, status);
  if (status) throw Error(Fault::io, cat("cannot shorten ", output.string(), ": ", status.message()));
  return lines;
}

bool is_error(const std::string& line) { return data::parse_record(line)["response"].is_null(); }

/// Every line of the input with its id. @throws Error(data) where two have one id: an answer could not be told from
/// another
std::vector<Line> lines_of_input(const fs::path& input) {
  std::vector<Line> lines;
  std::map<std::string, int> seen;
  const std::string text = read_file(input, std::uint64_t{1} << 40);
  int number = 0;
  for (const std::string_view line : lines_in(text)) {
    ++number;
    if (line.find_first_not_of(" \t") == std::string_view::npos) continue;
    std::string id = cat(number);
    try {
      id = id_of(data::parse_record(line), number);
    } catch (const Error&) {  // its row says so
    }
    if (const auto [at, is_new] = seen.emplace(id, number); !is_new)
      throw Error(Fault::data, cat(input.string(), ":", number, ": id '", id, "' is that of line ", at->second, " too"),
                  "give each row an id of its own, or none");
    lines.push_back({number, std::move(id), std::string(line)});
  }
  if (lines.empty()) throw Error(Fault::data, cat(input.string(), " has no rows"));
  return lines;
}

data::Json json_of(const tokenizer::Tokenizer& tokenizer, std::int32_t token, const infer::TokenLogProbabilities& of) {
  data::Json likeliest = data::Json::array();
  const auto text = [&](std::int32_t id) {
    return tokenizer.has(id) ? tokenizer.decode(std::vector<std::int32_t>{id}) : std::string();
  };
  for (const auto& [id, log_p] : of.likeliest) likeliest.push_back({{"token", text(id)}, {"logprob", log_p}});
  return {{"token", text(token)}, {"logprob", of.chosen}, {"top_logprobs", std::move(likeliest)}};
}

/// Rows on their way through the engine.
class Batch {
 public:
  Batch(Answerer& answerer, const nn::CausalLm& model, const requests::InferRequest& request)
      : answerer_(answerer),
        request_(request),
        engine_(model, {.max_sequences = request.together, .max_rows = std::max<std::int64_t>(256, request.together)}),
        output_(request.output) {}

  bool wants_more() const { return std::ssize(rows_) < 2 * request_.together; }
  bool is_done() const { return rows_.empty(); }

  void add(const Line& line) {
    try {
      auto row = read_row(data::parse_record(line.text), line.id, answerer_.format(), answerer_.tokenizer(),
                          answerer_.sampling(request_));
      Under under{.row = std::move(row), .answers = {}};
      for (std::int64_t i = 0; i < under.row.answers; ++i) {
        infer::Request request{.id = cat(line.id, '#', i),
                               .prompt = under.row.prompt,
                               .sampling = under.row.sampling,
                               .log_probabilities = under.row.log_probabilities};
        request.sampling.sample = static_cast<std::uint64_t>(i);
        engine_.submit(std::move(request));
        under.answers.push_back(
            {.text = infer::TextStream(answerer_.tokenizer(), under.row.stops, under.row.keep_stop), .made = {}});
        if (under.row.log_probabilities >= 0)
          under.answers.back().made.log_probabilities = {{"content", data::Json::array()}};
      }
      under.open = under.row.answers;
      rows_.emplace(line.id, std::move(under));
    } catch (const Error& error) {
      output_.append(error_line(line.id, cat(request_.input, ":", line.number, ": ", error.message())));
      ++errors_;
    }
  }

  void step() {
    for (const infer::Event& event : engine_.step()) take(event);
    if (monotonic_seconds() - synced_s_ > 5) {
      output_.sync();
      synced_s_ = monotonic_seconds();
    }
  }

  void end() { output_.sync(); }
  std::int64_t tokens() const { return tokens_; }
  std::int64_t answered() const { return answered_; }

 private:
  struct Under {
    struct One {
      infer::TextStream text;
      BatchAnswer made;
    };
    BatchRow row;
    std::vector<One> answers;
    std::int64_t open = 0;
  };

  void take(const infer::Event& event) {
    const std::size_t mark = event.id.rfind('#');
    const auto at = rows_.find(event.id.substr(0, mark));
    Under& under = at->second;
    Under::One& one = under.answers[static_cast<std::size_t>(*to_int(event.id.substr(mark + 1)))];
    if (event.token) {
      ++tokens_;
      if (one.text.stopped_by()) return;  // the token that ended it has cancelled it
      one.made.tokens.push_back(*event.token);
      one.made.text += one.text.add(*event.token);
      if (event.log_probabilities)
        one.made.log_probabilities["content"].push_back(
            json_of(answerer_.tokenizer(), *event.token, *event.log_probabilities));
      if (one.text.stopped_by()) engine_.cancel(event.id);
    }
    if (event.finish == infer::Finish::no) return;
    one.made.text += one.text.end();
    const bool stopped = one.text.stopped_by() || event.finish == infer::Finish::stop;
    one.made.finish_reason = stopped ? "stop" : "length";
    if (--under.open > 0) return;
    std::vector<BatchAnswer> made;
    for (Under::One& of : under.answers) made.push_back(std::move(of.made));
    output_.append(answer_line(under.row, answerer_.name(), made));
    ++answered_;
    rows_.erase(at);
  }

  Answerer& answerer_;
  const requests::InferRequest& request_;
  infer::Engine engine_;
  AppendFile output_;
  std::unordered_map<std::string, Under, KeyedHash> rows_;
  std::int64_t tokens_ = 0, answered_ = 0, errors_ = 0;
  double synced_s_ = monotonic_seconds();
};

/// In the order of the input, in place of what came in the order in which answers were done.
/// @return how many rows ended in an error
std::int64_t put_in_order(const fs::path& output, const std::vector<Line>& input) {
  const auto lines = lines_of_output(output);
  std::int64_t errors = 0;
  DurableFile file(output);
  for (const Line& line : input) {
    const std::string& answer = lines.at(line.id);
    errors += is_error(answer);
    file.write(answer);
    file.write("\n");
  }
  file.commit();
  return errors;
}

}  // namespace

bool infer(const requests::InferRequest& request) {
  requests::check(request);
  const std::vector<Line> input = lines_of_input(request.input);
  std::deque<Line> left;
  {
    const auto known = lines_of_output(request.output);
    std::set<std::string> ids;
    for (const Line& line : input) {
      ids.insert(line.id);
      const auto at = known.find(line.id);
      if (at == known.end() || (request.retry_errors && is_error(at->second))) left.push_back(line);
    }
    for (const auto& [id, line] : known)
      if (!ids.contains(id))
        throw Error(Fault::usage,
                    cat(request.output, " has an answer to row '", id, "', which ", request.input, " has not"),
                    "name another file with --output");
  }
  std::cerr << input.size() << " rows, " << input.size() - left.size() << " answered before\n";

  if (!left.empty()) {
    ops::set_threads(usable_cores());
    Answerer answerer({request.run, request.model, request.adapter, request.device});
    const auto& model = answerer.load(answerer.spec().positions);
    Batch batch(answerer, model, request);
    const double began_s = monotonic_seconds();
    double told_s = began_s;
    while (!left.empty() || !batch.is_done()) {
      while (!left.empty() && batch.wants_more()) {
        batch.add(left.front());
        left.pop_front();
      }
      batch.step();
      if (monotonic_seconds() - told_s < 10) continue;
      told_s = monotonic_seconds();
      std::cerr << batch.answered() << " answered, "
                << fixed(static_cast<double>(batch.tokens()) / (told_s - began_s), 1) << " tokens/s, " << left.size()
                << " rows wait\n";
    }
    batch.end();
    std::cerr << batch.tokens() << " tokens in " << fixed(monotonic_seconds() - began_s, 1) << " s\n";
  }
  const std::int64_t errors = put_in_order(request.output, input);
  std::cerr << request.output << ": " << input.size() << " rows in the order of the input";
  if (errors > 0) std::cerr << ", " << errors << " of them with an error";
  std::cerr << '\n';
  return errors == 0;
}

}  // namespace pst::app
