#include "fst_names.h"

#include <gtkwave/fstapi.h>

#include <algorithm>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace xybus::test {

namespace {

// "answer_e 2 None Accepted 0 1": name, number of values, their names, their codes.
std::vector<std::string> enumeration(const std::string& text) {
  std::istringstream words(text);
  std::string name;
  std::size_t count = 0;
  words >> name >> count;
  std::vector<std::string> values(count);
  for (std::string& value : values) words >> value;
  return values;
}

}  // namespace

FstNames fst_names(const std::string& file) {
  void* const reader = fstReaderOpen(file.c_str());
  if (reader == nullptr) throw std::runtime_error("no trace in " + file);
  FstNames names;
  std::map<std::uint64_t, std::vector<std::string>> enumerations;
  std::vector<std::string> next;  // of the variable that comes next
  std::vector<std::string> scopes;
  while (const fstHier* const item = fstReaderIterateHier(reader)) {
    if (item->htyp == FST_HT_SCOPE) scopes.emplace_back(item->u.scope.name);
    if (item->htyp == FST_HT_UPSCOPE) scopes.pop_back();
    if (item->htyp == FST_HT_ATTRBEGIN && item->u.attr.subtype == FST_MT_ENUMTABLE) {
      const std::string table = item->u.attr.name;
      if (!table.empty()) enumerations[item->u.attr.arg] = enumeration(table);
      else next = enumerations[item->u.attr.arg];
    }
    if (item->htyp != FST_HT_VAR) continue;
    std::string name;
    for (const std::string& scope : scopes) name += scope + ".";
    name += item->u.var.name;
    std::erase(name, ' ');
    names[name] = std::exchange(next, {});
  }
  fstReaderClose(reader);
  return names;
}

}  // namespace xybus::test
