// SPDX-License-Identifier: Apache-2.0
#include "jinja/template.hpp"

#include <algorithm>

#include "core/error.hpp"
#include "core/strings.hpp"
#include "jinja/interpreter.hpp"
#include "jinja/lexer.hpp"
#include "jinja/parser.hpp"

namespace pst::jinja {

constexpr std::size_t kLongestSource = 4 << 20;

struct Template::Impl {
  std::string name;
  bool reads_clock = false, marks_generation = false;
  Block program;
};

Template::Template(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

Template Template::parse(std::string_view source, std::string name) {
  if (source.size() > kLongestSource)
    throw Error(Fault::data, cat(name, ": a template of ", human_bytes(source.size()), " is too long"));
  auto impl = std::make_unique<Impl>();
  impl->program = jinja::parse(source, name);
  const auto tokens = tokenize(source, name);
  impl->reads_clock = std::any_of(tokens.begin(), tokens.end(), [](const Token& token) {
    return token.kind == Token::Kind::name && token.value == "strftime_now";
  });
  for (std::size_t i = 1; i < tokens.size(); ++i)
    if (tokens[i - 1].kind == Token::Kind::block_begin && tokens[i].value == "generation")
      impl->marks_generation = true;
  impl->name = std::move(name);
  return Template(std::move(impl));
}

std::string Template::render(const nlohmann::ordered_json& variables, const std::optional<Day>& today) const {
  return run(impl_->program, impl_->name, variables, today, Marks::ignored).text;
}

MarkedText Template::render_marked(const nlohmann::ordered_json& variables, const std::optional<Day>& today) const {
  return run(impl_->program, impl_->name, variables, today, Marks::wanted);
}

bool Template::marks_generation() const { return impl_->marks_generation; }

bool Template::reads_clock() const { return impl_->reads_clock; }

}  // namespace pst::jinja
