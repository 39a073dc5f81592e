// A Table (fields.h) of a vector of records. Private to *_fields.cpp.
#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sandbox/policy/fields.h"

namespace caisson {

// `rows(policy)` is the vector, `key` the member that names a record.
template <class Row, class Rows>
class TableOf {
 public:
  TableOf(std::string of, std::string example, Rows rows, std::string Row::* key)
      : rows_(rows), key_(key) {
    table_.of = std::move(of);
    table_.example = std::move(example);
    table_.keys = [rows, key](const Policy& policy) {
      std::vector<std::string> keys;
      for (const auto& row : rows(policy)) keys.push_back(row.*key);
      return keys;
    };
    table_.add = [rows, key](Policy& policy, const std::string& name) {
      if (find(rows(policy), key, name) != nullptr) return;
      rows(policy).emplace_back();
      rows(policy).back().*key = name;
    };
    table_.remove = [rows, key](Policy& policy, const std::string& name) {
      std::erase_if(rows(policy), [&](const auto& row) { return row.*key == name; });
    };
  }

  // read(text, Row&) -> what is wrong with it; write(const Row&) -> optional text. `schema`: of the
  // value, as Table::Leaf::schema.
  template <class Read, class Write>
  TableOf& leaf(std::string name, bool bare, std::string schema, Read read, Write write) {
    auto& made = table_.leaves.emplace_back();
    made.name = std::move(name);
    made.schema = std::move(schema);
    made.bare = bare;
    made.read = [rows = rows_, key = key_, read](std::string_view text, Policy& policy,
                                                 const std::string& of) {
      return read(text, *find(rows(policy), key, of));
    };
    made.write = [rows = rows_, key = key_, write](const Policy& policy, const std::string& of) {
      const std::optional<std::string> text = write(*find(rows(policy), key, of));
      return text ? std::vector<std::string>{*text} : std::vector<std::string>();
    };
    return *this;
  }

  // add(text, Row&) -> what is wrong with the element; write(element) -> text.
  template <class Element, class Add, class Write>
  TableOf& list(std::string name, bool bare, std::string schema,
                std::vector<Element> Row::* elements, Add add, Write write) {
    auto& made = table_.leaves.emplace_back();
    made.name = std::move(name);
    made.schema = std::move(schema);
    made.bare = bare;
    made.list = true;
    made.read = [rows = rows_, key = key_, add](std::string_view text, Policy& policy,
                                                const std::string& of) {
      return add(text, *find(rows(policy), key, of));
    };
    made.clear = [rows = rows_, key = key_, elements](Policy& policy, const std::string& of) {
      (find(rows(policy), key, of)->*elements).clear();
    };
    made.write = [rows = rows_, key = key_, elements, write](const Policy& policy,
                                                             const std::string& of) {
      std::vector<std::string> texts;
      for (const auto& element : find(rows(policy), key, of)->*elements) {
        texts.push_back(write(element));
      }
      return texts;
    };
    return *this;
  }

  // The leaf that was added last is read before the others.
  TableOf& first() {
    table_.leaves.back().first = true;
    return *this;
  }

  Table done() { return std::move(table_); }

 private:
  template <class Vector>
  static auto* find(Vector& rows, std::string Row::* key, const std::string& name) {
    const auto at =
        std::find_if(rows.begin(), rows.end(), [&](const auto& row) { return row.*key == name; });
    return at == rows.end() ? nullptr : &*at;
  }

  Rows rows_;
  std::string Row::* key_;
  Table table_;
};

}  // namespace caisson
