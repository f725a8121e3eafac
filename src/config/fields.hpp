// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "config/yaml_value.hpp"

namespace pst::config {

class Fields;

/// Containers are values. They must not be asked for `bind`: argument-dependent lookup would answer with std::bind.
template <class T>
inline constexpr bool is_container = false;
template <>
inline constexpr bool is_container<std::string> = true;
template <class T>
inline constexpr bool is_container<std::vector<T>> = true;
template <class T, std::size_t N>
inline constexpr bool is_container<std::array<T, N>> = true;
template <class K, class T>
inline constexpr bool is_container<std::map<K, T>> = true;

/// A struct with a `bind(Fields&, S&)` beside it is a section.
template <class S>
concept Section = std::is_class_v<S> && !is_container<S> && requires(Fields & fields, S& section) {
  bind(fields, section);
};

enum class Need { optional, required };

/// The word that stands for "no value" of an optional field.
enum class Absent { null, automatic };

/// One key of a section, without its value.
struct Key {
  const char* name;
  const char* help;
  Need need = Need::optional;
  Constraint constraint = {};
};

/// A value whose type is known only to itself.
class AnyValue {
 public:
  virtual ~AnyValue() = default;
  virtual bool read(const Node& node, const Reading& reading) = 0;  ///< leaves the value as it was on a mistake
  virtual Node write() const = 0;
  virtual std::string type() const = 0;  ///< for the reference page
};

/// A list of sections of one type.
class AnySections {
 public:
  virtual ~AnySections() = default;
  virtual void resize(std::size_t size) = 0;
  virtual std::size_t size() const = 0;
  virtual void bind_item(std::size_t index, Fields& fields) = 0;
};

/// Visits the keys of a section. One declaration serves every visitor: the reader, the printer of the effective recipe
/// and the writer of the reference page.
///
///     void bind(Fields& field, Guard& s) {
///       field("max_skips", &s.max_skips, at_least(1), "Steps that may be left out in a row.");
///     }
class Fields {
 public:
  virtual ~Fields() = default;

  template <class T>
  requires(!Section<T>) void operator()(const char* key, T* value, Constraint constraint, const char* help) {
    Typed<T> typed(*value);
    on_value({key, help, Need::optional, std::move(constraint)}, typed);
  }
  template <class T>
  requires(!Section<T>) void operator()(const char* key, T* value, const char* help) {
    (*this)(key, value, anything(), help);
  }

  /// A field without a default.
  template <class T>
  void required(const char* key, T* value, Constraint constraint, const char* help) {
    Typed<T> typed(*value);
    on_value({key, help, Need::required, std::move(constraint)}, typed);
  }

  /// A field that may have no value, written `null` or `auto`.
  template <class T>
  void operator()(const char* key, std::optional<T>* value, Absent absent, Constraint constraint, const char* help) {
    Optional<T> typed(*value, absent);
    on_value({key, help, Need::optional, std::move(constraint)}, typed);
  }
  template <class T>
  void operator()(const char* key, std::optional<T>* value, Absent absent, const char* help) {
    (*this)(key, value, absent, anything(), help);
  }

  template <Section S>
  void operator()(const char* key, S* section, const char* help) {
    on_section({key, help}, [section](Fields& inner) { bind(inner, *section); });
  }
  template <Section S>
  void operator()(const char* key, std::vector<S>* sections, Need need, const char* help) {
    Sections<S> typed(*sections);
    on_sections({key, help, need}, typed);
  }

 protected:
  virtual void on_value(const Key& key, AnyValue& value) = 0;
  virtual void on_section(const Key& key, const std::function<void(Fields&)>& bind_it) = 0;
  virtual void on_sections(const Key& key, AnySections& sections) = 0;

 private:
  template <class T>
  class Typed final : public AnyValue {
   public:
    explicit Typed(T& value) : value_(value) {}
    bool read(const Node& node, const Reading& reading) override { return YamlValue<T>::read(node, value_, reading); }
    Node write() const override { return YamlValue<T>::write(value_); }
    std::string type() const override { return YamlValue<T>::type(); }

   private:
    T& value_;
  };

  template <class T>
  class Optional final : public AnyValue {
   public:
    Optional(std::optional<T>& value, Absent absent) : value_(value), absent_(absent) {}
    bool read(const Node& node, const Reading& reading) override {
      if (is_absent(node)) {
        value_.reset();
        return true;
      }
      T inner{};
      if (!YamlValue<T>::read(node, inner, reading)) return false;
      value_ = std::move(inner);
      return true;
    }
    Node write() const override {
      if (value_) return YamlValue<T>::write(*value_);
      return absent_ == Absent::null ? Node{} : Node::scalar("auto");
    }
    std::string type() const override {
      return YamlValue<T>::type() + (absent_ == Absent::null ? " or `null`" : " or `auto`");
    }

   private:
    bool is_absent(const Node& node) const {
      if (absent_ == Absent::null) return node.kind == Node::Kind::null;
      return node.kind == Node::Kind::scalar && !node.quoted && node.text == "auto";
    }
    std::optional<T>& value_;
    Absent absent_;
  };

  template <class S>
  class Sections final : public AnySections {
   public:
    explicit Sections(std::vector<S>& items) : items_(items) {}
    void resize(std::size_t size) override { items_.resize(size); }
    std::size_t size() const override { return items_.size(); }
    void bind_item(std::size_t index, Fields& fields) override { bind(fields, items_[index]); }

   private:
    std::vector<S>& items_;
  };
};

}  // namespace pst::config
