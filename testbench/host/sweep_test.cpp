#include "campaign/sweep.h"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>
#include <vector>

using namespace xybus;
using Catch::Matchers::Contains;

namespace {

using Values = std::vector<std::string>;

std::string error_of(const std::string& text) {
  try {
    parse_sweep(text);
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("a sweep has the values of its list, range or steps") {
  CHECK(parse_sweep("fault.0.name=$A,$B").key == "fault.0.name");
  CHECK(parse_sweep("fault.0.name=$A,$B").values == Values{"$A", "$B"});
  CHECK(parse_sweep("limits.time=1 ms").values == Values{"1 ms"});
  CHECK(parse_sweep("fault.0.cpu=2..5").values == Values{"2", "3", "4", "5"});
  CHECK(parse_sweep("fault.0.cpu=3..3").values == Values{"3"});
  CHECK(parse_sweep("a.b=0..100/5").values == Values{"0", "25", "50", "75", "100"});
  CHECK(parse_sweep("a.at=1us..2us/3").values == Values{"1000ns", "1500ns", "2000ns"});
  CHECK(parse_sweep("a.at=4ms..34ms/200").values.size() == 200);
  CHECK(parse_sweep("a.at=4ms..34ms/200").values.back() == "34000000ns");
}

TEST_CASE("a sweep that is none says what is wrong with it") {
  for (const char* text : {"", "a.b", "=1", "a.b="}) {
    CHECK_THAT(error_of(text), Contains("no key and values"));
  }
  CHECK_THAT(error_of("a.b=x..7"), Contains("--sweep a.b=x..7: no whole numbers"));
  CHECK_THAT(error_of("a.b=1ms..7ms"), Contains("no whole numbers"));
  CHECK_THAT(error_of("a.b=7..1"), Contains("the last comes before the first"));
  CHECK_THAT(error_of("a.b=0..100000"), Contains("too many"));
  for (const char* text : {"a.b=0..9/1", "a.b=0..9/", "a.b=0..9/x", "a.b=0..9/100001"}) {
    CHECK_THAT(error_of(text), Contains("no number from 2 to 100000"));
  }
  for (const char* text : {"a.b=0..1ms/3", "a.b=2ms..1ms/3", "a.b=1ms..1ms/3", "a.b=../3"}) {
    CHECK_THAT(error_of(text), Contains("of which the first is less"));
  }
  CHECK_THAT(error_of("a.b=0.1..0.3/3"), Contains("no two whole numbers"));
  CHECK_THAT(error_of("a.b=1..2/4"), Contains("would be the same"));
  CHECK_THAT(error_of("run.seed=1..3"), Contains("seeds are given by --seeds"));
}

TEST_CASE("several sweeps are all combinations, the last one fastest") {
  using Combinations = std::vector<Values>;
  CHECK(combinations({}) == Combinations{{}});
  CHECK(combinations({{"a", {"1", "2"}}, {"b", {"x", "y"}}}) ==
        Combinations{{"a=1", "b=x"}, {"a=1", "b=y"}, {"a=2", "b=x"}, {"a=2", "b=y"}});
  CHECK_THROWS_WITH(combinations({{"a", {"1"}}, {"b", {"2"}}, {"a", {"3"}}}),
                    Contains("--sweep a: swept twice"));
  const Values thousand(1000, "1");
  CHECK(combinations({{"a", thousand}, {"b", Values(100, "1")}}).size() == most_sweep_values);
  CHECK_THROWS_WITH(combinations({{"a", thousand}, {"b", Values(101, "1")}}),
                    Contains("more than 100000 combinations"));
}
