// SPDX-License-Identifier: Apache-2.0
#include "config/one_of.hpp"

#include <gmock/gmock.h>

#include "config/parse_yaml.hpp"
#include "config/print.hpp"
#include "config/reader.hpp"

namespace pst::config {
namespace {

using ::testing::HasSubstr;

struct Circle {
  static constexpr const char* kName = "circle";
  double radius = 1;
};
struct Box {
  static constexpr const char* kName = "box";
  double width = 2, height = 3;
};
void bind(Fields& field, Circle& s) { field("radius", &s.radius, above(0), "Of the circle."); }
void bind(Fields& field, Box& s) {
  field("width", &s.width, above(0), "Left to right.");
  field("height", &s.height, above(0), "Bottom to top.");
}

struct Drawing {
  OneOf<Circle, Box> shape;
  bool filled = false;
};
void bind(Fields& field, Drawing& s) {
  field("shape", &s.shape, "What is drawn.");
  bind_chosen(field, s.shape);
  field("filled", &s.filled, "With its inside.");
}

Drawing read_drawing(const std::string& yaml, std::string& complaint) {
  Problems problems;
  Drawing drawing;
  read(parse_yaml(yaml, "f.yaml", problems), drawing, problems);
  try {
    problems.throw_if_any();
  } catch (const Error& error) {
    complaint = error.message();
  }
  return drawing;
}

TEST(OneOf, HasTheKeysOfTheChosenKind) {
  std::string complaint;

  const Drawing box = read_drawing("width: 5\nshape: box\nfilled: true\n", complaint);

  EXPECT_EQ(complaint, "");
  EXPECT_EQ(std::get<Box>(box.shape).width, 5);
  EXPECT_EQ(std::get<Box>(box.shape).height, 3);
  EXPECT_EQ(print(box), "shape: box\nwidth: 5\nheight: 3\nfilled: true\n");
}

TEST(OneOf, TheFirstIsTheDefault) {
  std::string complaint;

  EXPECT_EQ(std::get<Circle>(read_drawing("radius: 4\n", complaint).shape).radius, 4);
  EXPECT_EQ(complaint, "");
}

TEST(OneOf, RefusesAnotherKindsKeysAndUnknownKinds) {
  std::string complaint;

  read_drawing("shape: box\nradius: 4\n", complaint);
  EXPECT_THAT(complaint, HasSubstr("f.yaml:2:1: unknown key 'radius'; known here: shape, width, height, filled"));

  read_drawing("shape: bok\n", complaint);
  EXPECT_THAT(complaint, HasSubstr("f.yaml:1:8: shape is bok; it must be circle or box; did you mean 'box'?"));
}

TEST(OneOf, VisitsEveryKindWithItsDefaults) {
  OneOf<Circle, Box> shape = Circle{.radius = 7};
  std::vector<std::string> names;

  for_each_kind(shape, [&](const std::string& name) {
    names.push_back(name);
    if (name == "circle") {
      EXPECT_EQ(std::get<Circle>(shape).radius, 1);
    }
  });

  EXPECT_THAT(names, testing::ElementsAre("circle", "box"));
}

}  // namespace
}  // namespace pst::config
