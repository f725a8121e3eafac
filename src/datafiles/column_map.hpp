// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <string>

#include "datafiles/record_json.hpp"

namespace pst::jinja {
class Template;
}

namespace pst::datafiles {

/// How the records of a file become those of a form: values under other names, then a template.
class Columns {
 public:
  Columns() = default;
  /// @param names         a key of the form, and where its value stands in a record: a name, or names of objects and
  ///                      positions in lists with dots between them ("answers.text.0"). The value moves
  /// @param row_template  a Jinja template that writes a record as JSON from the values of one; empty: none
  /// @throws Error(data) when it is no template
  explicit Columns(std::map<std::string, std::string> names, const std::string& row_template = {});

  bool changes() const { return !names_.empty() || template_ != nullptr; }
  /// @throws Error(data) naming the key that is missing, or what the template did, without the file's place
  Json applied(Json record) const;
  /// Changes whenever applied() could; empty where it changes nothing.
  std::string text() const;

 private:
  std::map<std::string, std::string> names_;
  std::string template_text_;
  std::shared_ptr<const jinja::Template> template_;
};

}  // namespace pst::datafiles
