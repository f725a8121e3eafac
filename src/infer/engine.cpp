// SPDX-License-Identifier: Apache-2.0
#include "infer/engine.hpp"

#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include <algorithm>
#include <numeric>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "ops/row_by_row.hpp"
#include "ops/torch_exec.hpp"

namespace pst::infer {

struct Engine::Answer {
  Request request;
  std::int64_t number = 0;           // of submission
  std::vector<std::int32_t> tokens;  // prompt and answer; of these the sequence has seen the first rows
  nn::Sequence sequence;
  std::uint64_t root = 0;  // of its prefixes
  bool cancelled = false;

  std::span<const std::int32_t> answer() const { return std::span(tokens).subspan(request.prompt.size()); }
};

namespace {

std::int64_t pages_for(const nn::CausalLm& model, const EngineOptions& options) {
  const std::int64_t page = nn::KvPages::tokens(), longest = (model.max_positions() + page - 1) / page;
  if (options.max_cached_tokens == 0) return options.max_sequences * longest;
  return std::max(longest, options.max_cached_tokens / page);  // one sequence always fits
}

at::Tensor ids_of(const std::vector<std::int32_t>& tokens, at::Device device) {
  const at::Tensor ids = at::empty({std::ssize(tokens)}, at::kLong);
  std::copy(tokens.begin(), tokens.end(), ids.mutable_data_ptr<std::int64_t>());
  return ids.to(device);
}

/// Of prefixes: what decides keys and values besides the tokens before.
std::uint64_t root_of(const nn::CausalLm& model, const nn::Sequence& sequence) {
  const auto kind = static_cast<std::uint64_t>(model.kind_of_length(sequence.longest));
  return kind << 48 ^ static_cast<std::uint64_t>(sequence.active_from);
}

TokenLogProbabilities log_probabilities_of(std::span<const float> logits, std::int32_t chosen, std::int64_t count) {
  const std::vector<float> log_p = log_softmax(logits);
  std::vector<std::int32_t> order(log_p.size());
  std::iota(order.begin(), order.end(), 0);
  const auto likelier = [&](std::int32_t a, std::int32_t b) {
    const float of_a = log_p[static_cast<std::size_t>(a)], of_b = log_p[static_cast<std::size_t>(b)];
    return of_a != of_b ? of_a > of_b : a < b;
  };
  const std::int64_t kept = std::min(count, std::ssize(order));
  std::partial_sort(order.begin(), order.begin() + kept, order.end(), likelier);
  TokenLogProbabilities of{.chosen = log_p[static_cast<std::size_t>(chosen)]};
  for (std::int64_t i = 0; i < kept; ++i) {
    const std::int32_t token = order[static_cast<std::size_t>(i)];
    of.likeliest.emplace_back(token, log_p[static_cast<std::size_t>(token)]);
  }
  return of;
}

}  // namespace

Engine::Engine(const nn::CausalLm& model, const EngineOptions& options)
    : model_(model),
      options_(options),
      pages_(model.key_values(), pages_for(model, options), model.rows_like()),
      prefixes_(pages_),
      all_pages_(pages_.free_pages()) {
  PST_ASSERT(options.max_sequences >= 1 && options.max_rows >= options.max_sequences, "each answer may take a row");
}

Engine::~Engine() = default;

void Engine::submit(Request request) {
  const std::int64_t room = model_.max_positions() - model_.virtual_rows() - std::ssize(request.prompt);
  if (request.prompt.empty()) throw Error(Fault::usage, "the prompt is empty");
  if (room < 1)
    throw Error(Fault::usage,
                cat("the prompt has ", request.prompt.size(), " tokens, and the model ",
                    model_.max_positions() - model_.virtual_rows(), " positions"),
                "shorten the prompt");
  const auto is_known = [&](std::int32_t token) { return token >= 0 && token < model_.vocabulary(); };
  for (const std::int32_t token : request.prompt)
    if (!is_known(token))
      throw Error(Fault::usage, cat("token ", token, " is not among the model's ", model_.vocabulary()));
  auto& stops = request.sampling.stop_ids;  // looked through at every token
  std::erase_if(stops, [&](std::int32_t token) { return !is_known(token); });
  std::sort(stops.begin(), stops.end());
  stops.erase(std::unique(stops.begin(), stops.end()), stops.end());
  std::erase_if(request.sampling.logit_bias, [&](const auto& of) { return !is_known(of.first); });
  const auto is_same = [&](const std::unique_ptr<Answer>& other) { return other->request.id == request.id; };
  if (std::any_of(waiting_.begin(), waiting_.end(), is_same) || std::any_of(running_.begin(), running_.end(), is_same))
    throw Error(Fault::usage, cat("request '", request.id, "' is under way already"));

  auto answer = std::make_unique<Answer>();
  request.sampling.max_new_tokens = std::min(request.sampling.max_new_tokens, room);
  answer->number = submitted_++;
  answer->tokens = request.prompt;
  answer->sequence.longest =
      model_.virtual_rows() + std::ssize(request.prompt) + std::max<std::int64_t>(0, request.sampling.max_new_tokens);
  answer->sequence.active_from = model_.active_from(request.prompt);
  answer->root = root_of(model_, answer->sequence);
  answer->request = std::move(request);
  waiting_.push_back(std::move(answer));
}

void Engine::cancel(const std::string& id) {
  for (auto& answer : waiting_)
    if (answer->request.id == id) answer->cancelled = true;
  for (auto& answer : running_)
    if (answer->request.id == id) answer->cancelled = true;
}

/// Rows that the sequence has not seen yet, of a prompt or of an answer that was put back: more than one of them goes
/// on in later steps.
std::int64_t Engine::rows_wanted(const Answer& answer) const {
  const std::int64_t seen = answer.sequence.rows == 0 ? 0 : answer.sequence.rows - model_.virtual_rows();
  return std::ssize(answer.tokens) - seen;
}

/// A page says nothing of the states of layers that keep no keys; and virtual rows would have to be part of the key.
bool Engine::shares_prefixes() const {
  return options_.prefix_cache && model_.virtual_rows() == 0 && !model_.keeps_states();
}

/// The oldest come first. Nothing is let in that would push somebody else out.
void Engine::let_in() {
  while (!waiting_.empty() && std::ssize(running_) < options_.max_sequences) {
    Answer& next = *waiting_.front();
    const std::int64_t rows = model_.virtual_rows() + std::ssize(next.tokens) + 1;
    const std::int64_t wanted = (rows + nn::KvPages::tokens() - 1) / nn::KvPages::tokens();
    if (shares_prefixes()) {
      next.sequence.pages = prefixes_.find(next.root, next.tokens);
      next.sequence.rows = std::ssize(next.sequence.pages) * nn::KvPages::tokens();
    }
    const std::int64_t missing = wanted - std::ssize(next.sequence.pages);
    prefixes_.make_room(missing);
    if (pages_.free_pages() < missing && !running_.empty()) {
      pages_.release(next.sequence);
      return;
    }
    running_.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
}

void Engine::put_back(Answer& answer) {
  pages_.release(answer.sequence);
  ++put_back_;
  const auto at = std::find_if(running_.begin(), running_.end(), [&](const auto& of) { return of.get() == &answer; });
  const auto before =
      std::find_if(waiting_.begin(), waiting_.end(), [&](const auto& of) { return of->number > answer.number; });
  waiting_.insert(before, std::move(*at));
  running_.erase(at);
}

/// Where pages are short the youngest gives its own up; it is computed again later, with the same bits.
bool Engine::make_room(Answer& answer, std::int64_t rows, std::vector<Share>& chosen) {
  const std::int64_t missing = nn::KvPages::missing(answer.sequence, rows);
  prefixes_.make_room(missing);
  while (pages_.free_pages() < missing) {
    Answer& youngest = *running_.back();
    const bool is_itself = &youngest == &answer;
    std::erase_if(chosen, [&](const Share& share) { return share.answer == &youngest; });
    put_back(youngest);
    if (is_itself) return false;
  }
  pages_.take(answer.sequence, rows);
  return true;
}

/// Answers that go on first, so that prompts do not make them wait; then prompts, the oldest first.
std::vector<Engine::Share> Engine::share_out() {
  std::vector<Answer*> order;
  for (const auto& answer : running_) order.push_back(answer.get());
  std::stable_partition(order.begin(), order.end(), [&](const Answer* answer) { return rows_wanted(*answer) == 1; });
  std::int64_t left = options_.max_rows;
  std::vector<Share> chosen;
  for (Answer* const answer : order) {
    const auto is_it = [&](const std::unique_ptr<Answer>& of) { return of.get() == answer; };
    if (std::none_of(running_.begin(), running_.end(), is_it)) continue;  // put back meanwhile
    const std::int64_t rows = std::min(left, rows_wanted(*answer));
    const std::int64_t before = answer->sequence.rows == 0 ? model_.virtual_rows() : 0;
    if (rows == 0 || !make_room(*answer, answer->sequence.rows + before + rows, chosen)) continue;
    chosen.push_back({answer, rows});
    left -= rows;
  }
  return chosen;
}

void Engine::finish(Answer& answer, Finish how, std::vector<Event>& events) {
  events.push_back({.id = answer.request.id, .token = {}, .log_probabilities = {}, .finish = how});
  if (shares_prefixes())
    prefixes_.keep(answer.root, std::span(answer.tokens).first(static_cast<std::size_t>(answer.sequence.rows)),
                   answer.sequence.pages);
  pages_.release(answer.sequence);
}

void Engine::advance(Answer& answer, const at::Tensor& logits, std::vector<Event>& events) {
  const auto values = ops::view_of(logits).as<float>();
  const Sampling& sampling = answer.request.sampling;
  const std::int32_t token =
      choose_token({values.begin(), values.end()}, sampling, {answer.request.prompt, answer.answer()});
  if (std::find(sampling.stop_ids.begin(), sampling.stop_ids.end(), token) != sampling.stop_ids.end())
    return finish(answer, Finish::stop, events);
  Event event{.id = answer.request.id, .token = token, .log_probabilities = {}, .finish = Finish::no};
  if (answer.request.log_probabilities >= 0)
    event.log_probabilities = log_probabilities_of(values, token, answer.request.log_probabilities);
  events.push_back(std::move(event));
  answer.tokens.push_back(token);
  if (std::ssize(answer.answer()) >= sampling.max_new_tokens) finish(answer, Finish::length, events);
}

std::vector<Event> Engine::step() {
  const ops::RowByRow rows_alone;
  at::NoGradGuard no_gradients;
  std::vector<Event> events;
  const auto ends_early = [&](const std::unique_ptr<Answer>& answer) {
    if (!answer->cancelled && answer->request.sampling.max_new_tokens >= 1) return false;
    finish(*answer, answer->cancelled ? Finish::cancelled : Finish::length, events);
    return true;
  };
  std::erase_if(running_, ends_early);
  std::erase_if(waiting_, ends_early);
  let_in();

  const std::vector<Share> shares = share_out();
  std::vector<nn::Continued> parts;
  std::vector<std::int32_t> tokens;
  std::vector<std::int64_t> last_rows;
  std::vector<Answer*> ready;
  for (const auto& [answer, rows] : shares) {
    const std::int64_t wanted = rows_wanted(*answer);
    const auto first = answer->tokens.end() - wanted;
    tokens.insert(tokens.end(), first, first + rows);
    parts.push_back({&answer->sequence, rows});
    if (rows < wanted) continue;
    ready.push_back(answer);
    last_rows.push_back(std::ssize(tokens) - 1);
  }
  if (parts.empty()) return events;

  const at::Device device = model_.rows_like().device();
  const at::Tensor hidden = model_.continue_sequences(ids_of(tokens, device), parts, pages_);
  if (ready.empty()) return events;
  const at::Tensor rows = at::empty({std::ssize(last_rows)}, at::kLong);
  std::copy(last_rows.begin(), last_rows.end(), rows.mutable_data_ptr<std::int64_t>());
  const at::Tensor logits =
      model_.logits(at::index_select(hidden, 0, rows.to(device))).to(at::kCPU, at::kFloat).contiguous();
  std::vector<std::size_t> by_age(ready.size());
  std::iota(by_age.begin(), by_age.end(), 0u);
  std::sort(by_age.begin(), by_age.end(),
            [&](std::size_t a, std::size_t b) { return ready[a]->number < ready[b]->number; });
  for (const std::size_t i : by_age) advance(*ready[i], logits[static_cast<std::int64_t>(i)], events);
  std::erase_if(running_, [&](const auto& answer) {
    return std::any_of(events.begin(), events.end(), [&](const Event& event) {
      return event.finish != Finish::no && event.id == answer->request.id;
    });
  });
  return events;
}

Engine::Counts Engine::counts() const {
  return {.running = std::ssize(running_),
          .waiting = std::ssize(waiting_),
          .pages = all_pages_,
          .free_pages = pages_.free_pages(),
          .prefix_queried = prefixes_.queried(),
          .prefix_found = prefixes_.found(),
          .put_back = put_back_};
}

}  // namespace pst::infer
