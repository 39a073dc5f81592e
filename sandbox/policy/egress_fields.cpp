#include "sandbox/policy/fields.h"
#include "sandbox/policy/table.h"
#include "sandbox/policy/values.h"

namespace caisson {
namespace {

using Text = std::optional<std::string>;

template <class Row>
auto text_of(std::string Row::* member) {
  return [member](std::string_view value, Row& row) {
    row.*member = std::string(value);
    return std::string();
  };
}

template <class Row>
auto add_to(std::vector<std::string> Row::* list) {
  return [list](std::string_view value, Row& row) {
    (row.*list).emplace_back(value);
    return std::string();
  };
}

Table make_egress_table() {
  const auto rules = [](auto& policy) -> auto& { return policy.network.egress.allow; };
  return TableOf<EgressRule, decltype(rules)>(
             "host to rule", "packages.example.org: {ports: [443], methods: [GET, HEAD]}", rules,
             &EgressRule::host)
      .list(
          "ports", true, whole_schema(1, 65535), &EgressRule::ports,
          [](std::string_view value, EgressRule& rule) {
            std::int64_t port = 0;
            auto wrong = read_whole(value, 1, 65535, port);
            if (wrong.empty()) rule.ports.push_back(static_cast<std::uint16_t>(port));
            return wrong;
          },
          [](std::uint16_t port) { return std::to_string(port); })
      .list("methods", false, R"({"type": "string", "pattern": "^[A-Z]+$"})", &EgressRule::methods,
            add_to(&EgressRule::methods), yaml_text)
      .list("paths", false, R"({"type": "string", "pattern": "^/"})", &EgressRule::paths,
            add_to(&EgressRule::paths), yaml_text)
      .done();
}

Table make_credential_table() {
  const auto credentials = [](auto& policy) -> auto& { return policy.network.egress.credentials; };
  return TableOf<EgressCredential, decltype(credentials)>(
             "host to credential", "api.example.org: {header: Authorization, secret: env:API_KEY}",
             credentials, &EgressCredential::host)
      .leaf("header", false, std::string(text_schema), text_of(&EgressCredential::header),
            [](const EgressCredential& each) { return Text(yaml_text(each.header)); })
      .leaf("secret", false, R"json({"type": "string", "pattern": "^(env:|file:/)"})json",
            text_of(&EgressCredential::secret),
            [](const EgressCredential& each) { return Text(yaml_text(each.secret)); })
      .done();
}

}  // namespace

const Table& egress_table() {
  static const auto table = make_egress_table();
  return table;
}

const Table& credential_table() {
  static const auto table = make_credential_table();
  return table;
}

}  // namespace caisson
