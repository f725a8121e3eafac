// SPDX-License-Identifier: Apache-2.0
#include "data/shown_records.hpp"

#include "core/error.hpp"
#include "core/strings.hpp"
#include "data/read_source.hpp"
#include "families/open_tokenizer.hpp"

namespace pst::data {

void show_records(const recipe::Model& model, const recipe::Data& settings,
                  const std::function<void(const ShownRecord&)>& take) {
  PST_ASSERT(settings.train.size() == 1, "callers give one file");
  const SourceFile source = open_source(settings.train[0]);
  const auto tokenizer = families::open_tokenizer(model.path, model.tokenizer);
  ChatFormat format = ChatFormat::load(model.path, settings.chat_template);
  format.fix_day(settings.date);
  Encoder encoder(tokenizer, format, settings, KeepText::yes);
  config::Problems problems;
  std::string remedy;
  read_examples(
      source, settings.max_examples,
      [&](Example&& example) -> std::optional<std::string> {
        try {
          ShownRecord record{source.at_line(example.line).text(), encoder.encode(example), example.notes};
          record.notes.insert(record.notes.end(), record.result.notes.begin(), record.result.notes.end());
          take(record);
          return std::nullopt;
        } catch (const Error& error) {
          if (error.fault() != Fault::data) throw;
          if (remedy.empty()) remedy = error.remedy();
          return error.message();
        }
      },
      problems);
  try {
    problems.throw_if_any(Fault::data);
  } catch (const Error& error) {
    throw Error(Fault::data, error.message(), remedy);
  }
}

}  // namespace pst::data
