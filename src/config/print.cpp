// SPDX-License-Identifier: Apache-2.0
#include "config/print.hpp"

namespace pst::config {
namespace {

class Printer final : public Fields {
 public:
  Node take() { return std::move(map_); }

 protected:
  void on_value(const Key& key, AnyValue& value) override { add(key, value.write()); }
  void on_section(const Key& key, const std::function<void(Fields&)>& bind_it) override {
    add(key, write_section(bind_it));
  }
  void on_sections(const Key& key, AnySections& sections) override {
    Node list = Node::list();
    for (std::size_t i = 0; i < sections.size(); ++i)
      list.items.push_back(write_section([&](Fields& inner) { sections.bind_item(i, inner); }));
    add(key, std::move(list));
  }

 private:
  void add(const Key& key, Node value) { map_.entries.push_back({key.name, {}, std::move(value)}); }
  Node map_ = Node::map();
};

}  // namespace

Node write_section(const std::function<void(Fields&)>& bind_it) {
  Printer printer;
  bind_it(printer);
  return printer.take();
}

}  // namespace pst::config
