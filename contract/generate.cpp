// Turns contract.toml into a SystemVerilog package, a C++ header and a page of documentation.
//
//   generate CONTRACT.toml OUT.sv OUT.h OUT.md
//
// Fails with file and line when the description contradicts itself: overlapping fields, a value
// that does not fit, a name used twice.

#include <fmt/format.h>
#include <toml++/toml.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

struct Constant {
  std::string name, doc;
  std::int64_t value;
};

struct Value {
  std::string name, doc;
  std::int64_t value;
};

struct Enum {
  std::string name, doc;
  unsigned width;
  bool software, mask;
  std::vector<Value> values;
};

struct Field {
  std::string name, doc, type;
  unsigned word, lsb, width;
  unsigned msb() const { return lsb + width - 1; }
};

struct Struct {
  std::string name, doc;
  unsigned words;
  bool software;
  std::vector<Field> fields;
};

/// One register, or `count` of them, `stride` bytes apart.
struct Register {
  std::string name, doc, access;
  std::uint32_t offset, reset;
  std::uint32_t count, stride;
  std::vector<Field> fields;
};

struct Contract {
  std::vector<Constant> constants;
  std::vector<Enum> enums;
  std::vector<Struct> structs;
  std::vector<Register> registers;
};

// ---- Reading --------------------------------------------------------------------------------

[[noreturn]] void fail(const toml::node& at, const std::string& what) {
  const auto& source = at.source();
  throw std::runtime_error(
      fmt::format("{}:{}: {}", source.path ? *source.path : "?", source.begin.line, what));
}

template <typename T>
T required(const toml::table& table, std::string_view key) {
  if (auto value = table[key].value<T>()) return *value;
  fail(table, fmt::format("'{}' is missing or of the wrong type", key));
}

template <typename Each>
void for_each_table(const toml::table& table, std::string_view key, Each each) {
  const toml::array* array = table[key].as_array();
  if (array == nullptr) return;
  for (const toml::node& node : *array) {
    if (!node.is_table()) fail(node, fmt::format("'{}' must hold tables", key));
    each(*node.as_table());
  }
}

std::vector<Field> read_fields(const toml::table& table, unsigned words) {
  std::vector<Field> fields;
  std::map<unsigned, std::uint32_t> used;
  for_each_table(table, "fields", [&](const toml::table& entry) {
    Field field{required<std::string>(entry, "name"),  required<std::string>(entry, "doc"),
                entry["type"].value_or(std::string{}), entry["word"].value_or(0U),
                required<unsigned>(entry, "lsb"),      required<unsigned>(entry, "width")};
    if (field.word >= words || field.width == 0 || field.msb() > 31) {
      fail(entry, fmt::format("field '{}' does not fit its word", field.name));
    }
    const auto bits =
        static_cast<std::uint32_t>(((std::uint64_t{1} << field.width) - 1) << field.lsb);
    if ((used[field.word] & bits) != 0) {
      fail(entry, fmt::format("field '{}' overlaps another", field.name));
    }
    used[field.word] |= bits;
    fields.push_back(field);
  });
  std::sort(fields.begin(), fields.end(), [](const Field& a, const Field& b) {
    return std::pair(a.word, a.lsb) < std::pair(b.word, b.lsb);
  });
  return fields;
}

Contract read(const std::string& path) {
  const toml::table root = toml::parse_file(path);
  Contract contract;
  std::set<std::string> names;
  auto unique = [&](const toml::table& at, const std::string& name) {
    if (!names.insert(name).second) fail(at, fmt::format("'{}' is used twice", name));
    return name;
  };
  for_each_table(root, "constant", [&](const toml::table& entry) {
    contract.constants.push_back({unique(entry, required<std::string>(entry, "name")),
                                  required<std::string>(entry, "doc"),
                                  required<std::int64_t>(entry, "value")});
  });
  for_each_table(root, "enum", [&](const toml::table& entry) {
    Enum item{unique(entry, required<std::string>(entry, "name")),
              required<std::string>(entry, "doc"),
              required<unsigned>(entry, "width"),
              entry["software"].value_or(false),
              entry["mask"].value_or(false),
              {}};
    for_each_table(entry, "values", [&](const toml::table& each) {
      Value value{required<std::string>(each, "name"), required<std::string>(each, "doc"),
                  required<std::int64_t>(each, "value")};
      if (value.value < 0 || value.value >= (std::int64_t{1} << item.width)) {
        fail(each, fmt::format("'{}' does not fit in {} bits", value.name, item.width));
      }
      item.values.push_back(value);
    });
    contract.enums.push_back(item);
  });
  for_each_table(root, "struct", [&](const toml::table& entry) {
    const auto words = required<unsigned>(entry, "words");
    contract.structs.push_back({unique(entry, required<std::string>(entry, "name")),
                                required<std::string>(entry, "doc"), words,
                                entry["software"].value_or(false), read_fields(entry, words)});
  });
  std::set<std::uint32_t> offsets;
  for_each_table(root, "register", [&](const toml::table& entry) {
    Register reg{unique(entry, required<std::string>(entry, "name")),
                 required<std::string>(entry, "doc"),
                 required<std::string>(entry, "access"),
                 required<std::uint32_t>(entry, "offset"),
                 entry["reset"].value_or(0U),
                 entry["count"].value_or(1U),
                 entry["stride"].value_or(4U),
                 read_fields(entry, 1)};
    if (reg.count == 0 || reg.stride % 4 != 0 || reg.stride == 0) {
      fail(entry, fmt::format("register '{}' has a bad count or stride", reg.name));
    }
    for (std::uint32_t i = 0; i < reg.count; ++i) {
      const std::uint32_t offset = reg.offset + i * reg.stride;
      if (offset % 4 != 0 || !offsets.insert(offset).second) {
        fail(entry, fmt::format("register '{}' has a bad or used offset", reg.name));
      }
    }
    if (reg.access != "ro" && reg.access != "rw" && reg.access != "wo" && reg.access != "w1c") {
      fail(entry, fmt::format("register '{}': access must be ro, rw, wo or w1c", reg.name));
    }
    contract.registers.push_back(reg);
  });
  for (const Struct& item : contract.structs) {
    for (const Field& field : item.fields) {
      const bool known = std::any_of(contract.enums.begin(), contract.enums.end(),
                                     [&](const Enum& each) { return each.name == field.type; });
      if (!field.type.empty() && !known) {
        fail(root, fmt::format("field '{}' has unknown type '{}'", field.name, field.type));
      }
    }
  }
  return contract;
}

// ---- Names ----------------------------------------------------------------------------------

std::string camel(const std::string& snake) {
  std::string out;
  bool upper = true;
  for (char c : snake) {
    if (c == '_') {
      upper = true;
    } else {
      out += upper ? static_cast<char>(std::toupper(c)) : c;
      upper = false;
    }
  }
  return out;
}

constexpr const char* generated = "Generated from contract/contract.toml. Do not edit.";

// ---- SystemVerilog --------------------------------------------------------------------------

std::string system_verilog(const Contract& contract) {
  std::ostringstream out;
  out << "// " << generated << "\n\npackage xybus_contract_pkg;\n"
      << "  // A design need not use every constant.\n  /* verilator lint_off UNUSEDPARAM */\n";
  for (const Constant& item : contract.constants) {
    out << fmt::format("\n  // {}\n  localparam int unsigned {} = {};\n", item.doc,
                       camel(item.name), item.value);
  }
  for (const Enum& item : contract.enums) {
    if (item.software) continue;
    out << fmt::format("\n  // {}\n  typedef enum logic [{}:0] {{\n", item.doc, item.width - 1);
    for (std::size_t i = 0; i < item.values.size(); ++i) {
      const Value& value = item.values[i];
      out << fmt::format("    // {}\n    {}{} = {}'d{}{}\n", value.doc, camel(item.name),
                         camel(value.name), item.width, value.value,
                         i + 1 < item.values.size() ? "," : "");
    }
    out << fmt::format("  }} {}_e;\n", item.name);
  }
  for (const Struct& item : contract.structs) {
    if (item.software) continue;
    out << fmt::format("\n  // {}\n  typedef struct packed {{\n", item.doc);
    for (unsigned word = item.words; word-- > 0;) {
      unsigned top = 32;
      auto reserve = [&](unsigned down_to) {
        if (top > down_to) {
          out << fmt::format("    logic [{}:0] reserved_{}_{};\n", top - down_to - 1, word,
                             down_to);
        }
      };
      for (auto field = item.fields.rbegin(); field != item.fields.rend(); ++field) {
        if (field->word != word) continue;
        reserve(field->lsb + field->width);
        out << fmt::format("    // {}\n    logic [{}:0] {};\n", field->doc, field->width - 1,
                           field->name);
        top = field->lsb;
      }
      reserve(0);
    }
    out << fmt::format("  }} {}_t;\n", item.name);
  }
  out << "\n  // Register byte offsets and reset values.\n";
  for (const Register& reg : contract.registers) {
    out << fmt::format("  localparam logic [11:0] Reg{} = 12'h{:03x};\n", camel(reg.name),
                       reg.offset);
    if (reg.reset != 0) {
      out << fmt::format("  localparam logic [31:0] Reset{} = 32'h{:08x};\n", camel(reg.name),
                         reg.reset);
    }
    if (reg.fields.empty()) continue;
    out << "  typedef struct packed {\n";
    unsigned top = 32;
    for (auto field = reg.fields.rbegin(); field != reg.fields.rend(); ++field) {
      const unsigned end = field->lsb + field->width;
      if (top > end) out << fmt::format("    logic [{}:0] reserved_{};\n", top - end - 1, end);
      out << fmt::format("    // {}\n    logic [{}:0] {};\n", field->doc, field->width - 1,
                         field->name);
      top = field->lsb;
    }
    if (top > 0) out << fmt::format("    logic [{}:0] reserved_0;\n", top - 1);
    out << fmt::format("  }} {}_reg_t;\n", reg.name);
  }
  out << "\n  /* verilator lint_on UNUSEDPARAM */\nendpackage\n";
  return out.str();
}

// ---- C++ ------------------------------------------------------------------------------------

void cpp_accessors(std::ostringstream& out, const Field& field, const std::string& word) {
  const std::uint64_t mask = (std::uint64_t{1} << field.width) - 1;
  const std::string type = field.type.empty() ? "std::uint32_t" : camel(field.type);
  out << fmt::format("  /// {}\n", field.doc);
  out << fmt::format(
      "  constexpr {0} {1}() const {{ return static_cast<{0}>(({2} >> {3}) & {4:#x}U); }}\n", type,
      field.name, word, field.lsb, mask);
  out << fmt::format(
      "  constexpr auto& set_{1}({0} new_value) {{\n    {2} = ({2} & ~{4:#x}U) | "
      "((static_cast<std::uint32_t>(new_value) & {5:#x}U) << {3});\n    return *this;\n  }}\n",
      type, field.name, word, field.lsb, static_cast<std::uint32_t>(mask << field.lsb), mask);
}

std::string cpp(const Contract& contract) {
  std::ostringstream out;
  out << "// " << generated << "\n#pragma once\n\n#include <array>\n#include <cstdint>\n\n"
      << "namespace xybus::contract {\n";
  for (const Constant& item : contract.constants) {
    out << fmt::format("\n/// {}\ninline constexpr unsigned {} = {};\n", item.doc, item.name,
                       item.value);
  }
  for (const Enum& item : contract.enums) {
    const std::string type = camel(item.name);
    out << fmt::format("\n/// {}\nenum class {} : std::uint32_t {{\n", item.doc, type);
    for (const Value& value : item.values) {
      out << fmt::format("  {} = {},  ///< {}\n", value.name, value.value, value.doc);
    }
    out << fmt::format(
        "}};\n\n/// Name of a value; \"?\" when it is none.\nconstexpr const char* name({} value) "
        "{{\n"
        "  switch (value) {{\n",
        type);
    for (const Value& value : item.values) {
      out << fmt::format("    case {0}::{1}: return \"{1}\";\n", type, value.name);
    }
    out << "  }\n  return \"?\";\n}\n";
    if (item.mask) {
      out << fmt::format(
          "\nconstexpr {0} operator|({0} a, {0} b) {{\n  return static_cast<{0}>("
          "static_cast<std::uint32_t>(a) | static_cast<std::uint32_t>(b));\n}}\n"
          "constexpr {0} operator&({0} a, {0} b) {{\n  return static_cast<{0}>("
          "static_cast<std::uint32_t>(a) & static_cast<std::uint32_t>(b));\n}}\n"
          "constexpr {0} operator~({0} a) {{ return "
          "static_cast<{0}>(~static_cast<std::uint32_t>(a)); }}\n"
          "constexpr bool any({0} a) {{ return static_cast<std::uint32_t>(a) != 0; }}\n",
          type);
    }
  }
  for (const Struct& item : contract.structs) {
    out << fmt::format("\n/// {}\nstruct {} {{\n  std::array<std::uint32_t, {}> words{{}};\n",
                       item.doc, camel(item.name), item.words);
    for (const Field& field : item.fields) {
      cpp_accessors(out, field, fmt::format("words[{}]", field.word));
    }
    out << fmt::format("  constexpr bool operator==(const {}&) const = default;\n}};\n",
                       camel(item.name));
  }
  out << "\n/// Registers, by byte offset from the start of a node's registers.\n"
         "enum class Register : std::uint32_t {\n";
  for (const Register& reg : contract.registers) {
    out << fmt::format("  {} = {:#05x},  ///< ({}) {}\n", reg.name, reg.offset, reg.access,
                       reg.doc);
  }
  out << "};\n\n/// Name of a register; \"?\" when there is none at that offset.\n"
         "constexpr const char* name(Register value) {\n  switch (value) {\n";
  for (const Register& reg : contract.registers) {
    out << fmt::format("    case Register::{0}: return \"{0}\";\n", reg.name);
  }
  out << "  }\n  return \"?\";\n}\n";
  out << "\n/// Register `index` of those that there are several of.\n"
         "constexpr Register element(Register first, unsigned index) {\n"
         "  std::uint32_t stride = 4;\n  switch (first) {\n";
  for (const Register& reg : contract.registers) {
    if (reg.stride == 4) continue;
    out << fmt::format("    case Register::{}: stride = {}; break;\n", reg.name, reg.stride);
  }
  out << "    default: break;\n  }\n"
         "  return static_cast<Register>(static_cast<std::uint32_t>(first) + index * stride);\n}\n";
  out << "\n/// Every register: offset, value after reset, whether the CPU can write it, how many.\n"
         "struct RegisterInfo {\n  Register reg;\n  std::uint32_t reset;\n  bool writable;\n  std::uint32_t count;\n};\n"
      << fmt::format("inline constexpr std::array<RegisterInfo, {}> registers{{{{\n",
                     contract.registers.size());
  for (const Register& reg : contract.registers) {
    out << fmt::format("    {{Register::{}, {:#x}U, {}, {}}},\n", reg.name, reg.reset,
                       reg.access != "ro", reg.count);
  }
  out << "}};\n";
  for (const Register& reg : contract.registers) {
    if (reg.fields.empty()) continue;
    out << fmt::format(
        "\n/// Fields of register {}. {}\nstruct {}Register {{\n  std::uint32_t value = {:#x}U;\n",
        reg.name, reg.doc, camel(reg.name), reg.reset);
    for (const Field& field : reg.fields) cpp_accessors(out, field, "value");
    out << "};\n";
  }
  out << "\n}  // namespace xybus::contract\n";
  return out.str();
}

// ---- Documentation --------------------------------------------------------------------------

std::string markdown(const Contract& contract) {
  std::ostringstream out;
  out << "# The contract between hardware and software\n\n<!-- " << generated << " -->\n\n"
      << "Words are 32 bits, least significant byte first. Read with `rtl/` beside it.\n\n"
      << "## Constants\n\n| name | value | meaning |\n|---|---|---|\n";
  for (const Constant& item : contract.constants) {
    out << fmt::format("| `{}` | {} | {} |\n", item.name, item.value, item.doc);
  }
  out << "\n## Registers\n\n| offset | name | access | reset | meaning |\n|---|---|---|---|---|\n";
  for (const Register& reg : contract.registers) {
    const std::string place =
        reg.count == 1 ? fmt::format("{:#05x}", reg.offset)
                       : fmt::format("{:#05x} + {} i, i < {}", reg.offset, reg.stride, reg.count);
    out << fmt::format("| {} | `{}` | {} | {:#x} | {} |\n", place, reg.name, reg.access, reg.reset,
                       reg.doc);
    for (const Field& field : reg.fields) {
      out << fmt::format("| | `{}` [{}:{}] | | | {} |\n", field.name, field.msb(), field.lsb,
                         field.doc);
    }
  }
  out << "\n## Structures\n";
  for (const Struct& item : contract.structs) {
    out << fmt::format(
        "\n### {}\n\n{} {} words.\n\n| word | bits | field | meaning |\n|---|---|---|---|\n",
        item.name, item.doc, item.words);
    for (const Field& field : item.fields) {
      out << fmt::format("| {} | {}:{} | `{}` | {} |\n", field.word, field.msb(), field.lsb,
                         field.name, field.doc);
    }
  }
  out << "\n## Enumerations\n";
  for (const Enum& item : contract.enums) {
    out << fmt::format("\n### {}\n\n{}\n\n| value | name | meaning |\n|---|---|---|\n", item.name,
                       item.doc);
    for (const Value& value : item.values) {
      out << fmt::format("| {} | `{}` | {} |\n", value.value, value.name, value.doc);
    }
  }
  return out.str();
}

// A file that has not changed keeps its time, so that nothing is rebuilt for it.
void write_if_changed(const std::string& path, const std::string& text) {
  std::ostringstream old;
  old << std::ifstream(path).rdbuf();
  if (old.str() == text) return;
  std::ofstream out(path);
  out << text;
  if (!out.flush()) throw std::runtime_error(fmt::format("{}: cannot be written", path));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: generate CONTRACT.toml OUT.sv OUT.h OUT.md\n";
    return 2;
  }
  try {
    const Contract contract = read(argv[1]);
    write_if_changed(argv[2], system_verilog(contract));
    write_if_changed(argv[3], cpp(contract));
    write_if_changed(argv[4], markdown(contract));
  } catch (const toml::parse_error& error) {
    std::cerr << argv[1] << ":" << error.source().begin.line << ": " << error.description() << "\n";
    return 1;
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 1;
  }
  return 0;
}
