// JSON as kith writes it.
#ifndef KITH_APPS_COMMON_JSON_H_
#define KITH_APPS_COMMON_JSON_H_

#include <nlohmann/json.hpp>
#include <string>

namespace kith::apps {

// Keys stay in the order in which they are set.
using Json = nlohmann::ordered_json;

// One line; bytes that are not UTF-8 become U+FFFD.
std::string ToLine(const Json& json);

// A float as the shortest decimal number that reads back as it; null for infinity.
Json JsonFloat(float x);

// null where a number below 0 stands for what is not known.
Json JsonKnown(double x);

}  // namespace kith::apps

#endif  // KITH_APPS_COMMON_JSON_H_
