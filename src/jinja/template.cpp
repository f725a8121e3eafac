// SPDX-License-Identifier: Apache-2.0
#include "jinja/template.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "jinja/interpreter.hpp"
#include "jinja/parser.hpp"

namespace pst::jinja {

constexpr std::size_t kLongestSource = 4 << 20;

struct Template::Impl {
  std::string name;
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
  impl->name = std::move(name);
  return Template(std::move(impl));
}

std::string Template::render(const nlohmann::ordered_json& variables) const {
  return run(impl_->program, impl_->name, variables);
}

}  // namespace pst::jinja
