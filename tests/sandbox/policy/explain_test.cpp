// Questions to policies, and what one policy grants that another does not.
#include "sandbox/policy/explain.h"

#include <gtest/gtest.h>

#include "sandbox/policy/diff.h"
#include "sandbox/policy/fields.h"
#include "sandbox/policy/parse.h"

namespace caisson {
namespace {

using Kind = Question::Kind;

struct Asked {
  Policy policy;
  CompiledPolicy compiled;
  explicit Asked(const std::string& name) : policy(load_policy(name).value()) {
    compiled = compile(policy).value();
  }
  explicit Asked(std::string_view yaml, int) : policy(parse_policy(yaml, "mine.yaml").value()) {
    compiled = compile(policy).value();
  }
  Explanation operator()(Kind kind, std::string_view text) const {
    return explain(policy, compiled, read_question(kind, text).value()).value();
  }
  // "deny EPERM", "allow", "limit 512Mi"
  std::string brief(Kind kind, std::string_view text) const {
    const auto answer = (*this)(kind, text);
    std::string word = answer.verdict == Explanation::Verdict::allow  ? "allow"
                       : answer.verdict == Explanation::Verdict::deny ? "deny"
                                                                      : "limit";
    if (!answer.error.empty()) word += " " + answer.error;
    if (!answer.value.empty()) word += " " + answer.value;
    return word;
  }
};

TEST(Explain, RunsTheCompiledFilter) {
  const Asked strict("strict");
  EXPECT_EQ(strict.brief(Kind::syscall, "read"), "allow");
  EXPECT_EQ(strict.brief(Kind::syscall, "socket:AF_UNIX,SOCK_STREAM"), "allow");
  EXPECT_EQ(strict.brief(Kind::syscall, "socket:AF_INET,SOCK_STREAM"), "deny EPERM");
  EXPECT_EQ(strict.brief(Kind::syscall, "mount"), "deny EPERM");
  EXPECT_EQ(strict.brief(Kind::syscall, "clone3"), "deny ENOSYS");
  EXPECT_EQ(strict.brief(Kind::syscall, "execve"), "deny EPERM");
  EXPECT_EQ(strict.brief(Kind::syscall, "kill"), "allow");
  EXPECT_EQ(Asked("standard").brief(Kind::syscall, "execve"), "allow");
}

TEST(Explain, NamesTheLineAndWhatWouldChangeIt) {
  const auto answer = Asked("strict")(Kind::syscall, "socket:AF_INET,SOCK_STREAM");
  EXPECT_TRUE(answer.rule.starts_with("network.mode: none (builtin:strict:")) << answer.rule;
  EXPECT_NE(answer.fix.find("network.mode"), std::string::npos);
  // What opens a way out has no way to be allowed.
  EXPECT_EQ(Asked("strict")(Kind::syscall, "mount").fix, "");
  const Asked mine("version: 1\nsyscalls:\n  deny: [sysinfo]\n", 0);
  const auto denied = mine(Kind::syscall, "sysinfo");
  EXPECT_NE(denied.rule.find("mine.yaml:3"), std::string::npos) << denied.rule;
}

TEST(Explain, WalksTheLandlockRules) {
  const Asked strict("strict");
  EXPECT_EQ(strict.brief(Kind::open, "/usr/lib/python3"), "allow");
  EXPECT_EQ(strict.brief(Kind::open, "/workspace/data.csv:w"), "allow");
  EXPECT_EQ(strict.brief(Kind::open, "/etc/passwd"), "allow");
  EXPECT_EQ(strict.brief(Kind::open, "/etc/passwd:w"), "deny EACCES");
  EXPECT_EQ(strict.brief(Kind::open, "/proc/1/mem"), "deny EACCES");
  EXPECT_EQ(strict.brief(Kind::open, "/home/ann/.ssh/id"), "deny EACCES");
  EXPECT_EQ(strict.brief(Kind::open, "/usr/bin/ls:x"), "deny EPERM");
  EXPECT_EQ(Asked("standard").brief(Kind::open, "/usr/bin/ls:x"), "allow");
  EXPECT_EQ(Asked("standard").brief(Kind::open, "/workspace/ls:x"), "deny EACCES");
  EXPECT_EQ(Asked("standard")(Kind::open, "/workspace/ls:x").fix,
            "filesystem.mounts./workspace.executable: true");
}

TEST(Explain, ConnectionsImportsAndLimits) {
  const Asked strict("strict");
  EXPECT_EQ(strict.brief(Kind::connect, "api.example.org:443"), "deny EPERM");
  EXPECT_EQ(strict.brief(Kind::import, "requests"), "deny ImportError");
  EXPECT_EQ(strict.brief(Kind::import, "requests.adapters"), "deny ImportError");
  EXPECT_EQ(strict.brief(Kind::import, "urllib"), "allow");
  EXPECT_EQ(strict.brief(Kind::import, "math"), "allow");
  EXPECT_EQ(strict.brief(Kind::limit, "memory"), "limit 512Mi");
  EXPECT_EQ(strict.brief(Kind::limit, "resources.pids.max"), "limit 64");
  const Asked loopback("version: 1\nnetwork: {mode: loopback}\n", 0);
  EXPECT_EQ(loopback.brief(Kind::connect, "127.0.0.1:80"), "allow");
  EXPECT_EQ(loopback.brief(Kind::connect, "api.example.org:443"), "deny ENETUNREACH");
  const Asked proxy(
      "version: 1\nnetwork:\n  mode: proxy\n  egress:\n    allow:\n      api.example.org: {}\n", 0);
  EXPECT_EQ(proxy.brief(Kind::connect, "api.example.org:443"), "allow");
  EXPECT_EQ(proxy.brief(Kind::connect, "other.example.org:443"), "deny HTTP 403");
}

TEST(Explain, AQuestionThatIsNoneSaysWhatWasMeant) {
  const auto message = [](Kind kind, std::string_view text) {
    const auto question = read_question(kind, text);
    if (!question) return question.error().message;
    const Asked strict("strict");
    const auto answer = explain(strict.policy, strict.compiled, *question);
    return answer ? std::string("answered") : answer.error().message;
  };
  EXPECT_NE(message(Kind::syscall, "sockt").find("did you mean 'socket'"), std::string::npos);
  EXPECT_NE(message(Kind::syscall, "socket:AF_INT").find("did you mean AF_INET"),
            std::string::npos);
  EXPECT_NE(message(Kind::open, "data.csv").find("absolute"), std::string::npos);
  EXPECT_NE(message(Kind::connect, "example.org").find("HOST:PORT"), std::string::npos);
  EXPECT_NE(message(Kind::limit, "memorie").find("memory"), std::string::npos);
}

std::vector<std::string> texts(const std::vector<Difference>& all, Difference::Kind kind) {
  std::vector<std::string> found;
  for (const auto& each : all) {
    if (each.kind == kind) found.push_back(each.text);
  }
  return found;
}

bool has(const std::vector<std::string>& list, std::string_view text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

TEST(Diff, APolicyGrantsNothingOverItself) {
  const Asked one("standard");
  EXPECT_TRUE(diff({one.policy, one.compiled}, {one.policy, one.compiled})->empty());
}

TEST(Diff, SaysWhatIsGrantedAndWhatIsRevoked) {
  const Asked strict("strict");
  const Asked loose(
      "version: 1\nextends: [strict]\nnetwork: {mode: loopback}\nresources: {memory: {max: 1Gi}, "
      "pids: {max: 8}}\nfilesystem: {read+: [/srv]}\nsyscalls: {deny: [sysinfo]}\n"
      "python: {deny: {requests: }}\n",
      0);
  const auto all = diff({strict.policy, strict.compiled}, {loose.policy, loose.compiled}).value();
  EXPECT_TRUE(is_looser(all));
  const auto grants = texts(all, Difference::Kind::grants);
  EXPECT_TRUE(has(grants, "network.mode: none -> loopback"));
  EXPECT_TRUE(has(grants, "resources.memory.max: 512Mi -> 1Gi"));
  EXPECT_TRUE(has(grants, "socket(AF_INET,SOCK_STREAM)"));
  EXPECT_TRUE(has(grants, "filesystem.read beneath /srv"));
  EXPECT_TRUE(has(grants, "python.deny.requests"));
  const auto revokes = texts(all, Difference::Kind::revokes);
  EXPECT_TRUE(has(revokes, "resources.pids.max: 64 -> 8"));
  EXPECT_TRUE(has(revokes, "sysinfo()"));
  // And the other way round.
  const auto back = diff({loose.policy, loose.compiled}, {strict.policy, strict.compiled}).value();
  EXPECT_TRUE(has(texts(back, Difference::Kind::revokes), "network.mode: loopback -> none"));
}

TEST(Diff, ATighterPolicyIsNotLooser) {
  const Asked strict("strict");
  const Asked tight("version: 1\nextends: [strict]\ntime: {block: 1s}\n", 0);
  const auto all = diff({strict.policy, strict.compiled}, {tight.policy, tight.compiled}).value();
  EXPECT_FALSE(is_looser(all));
  EXPECT_EQ(all.size(), 1U);
}

TEST(Diff, ALimitThatIsNotSetIsTheLoosest) {
  const Asked strict("strict");
  auto without = strict.policy;
  without.resources.rlimits.erase("nofile");
  const auto compiled = compile(without).value();
  const auto looser = diff({strict.policy, strict.compiled}, {without, compiled}).value();
  EXPECT_TRUE(
      has(texts(looser, Difference::Kind::grants), "resources.rlimits.nofile: 256 -> none"));
  const auto tighter = diff({without, compiled}, {strict.policy, strict.compiled}).value();
  EXPECT_FALSE(is_looser(tighter));
}

TEST(Diff, FewerToolsAreTighter) {
  const Asked strict("strict");
  const Asked few("version: 1\ntools: {allow: [search]}\nenv: {MODE: quick}\n", 0);
  EXPECT_FALSE(
      is_looser(diff({strict.policy, strict.compiled}, {few.policy, few.compiled}).value()));
  EXPECT_TRUE(
      is_looser(diff({few.policy, few.compiled}, {strict.policy, strict.compiled}).value()));
}

TEST(Diff, AnotherImageHandlerOrMaskIsLooserThanOneThatWasSet) {
  const auto looser = [](std::string_view from, std::string_view to) {
    const Asked one(from, 0);
    const Asked other(to, 0);
    return is_looser(diff({one.policy, one.compiled}, {other.policy, other.compiled}).value());
  };
  const std::string plain = "version: 1\n";
  const std::string image = plain + "runtime: {image: ours}\n";
  EXPECT_TRUE(looser(image, plain + "runtime: {image: theirs}\n"));
  EXPECT_TRUE(looser(image, plain));
  EXPECT_FALSE(looser(plain, image));
  const std::string kata = plain + "runtime: {handler: kata}\n";
  EXPECT_TRUE(looser(kata, plain));
  EXPECT_TRUE(looser(plain, plain + "process: {umask: \"0027\"}\n"));
  EXPECT_FALSE(looser(plain, plain + "process: {umask: \"0177\"}\n"));
}

TEST(Diff, EveryLeafHasADirection) {
  for (const auto& field : policy_fields()) {
    EXPECT_TRUE(direction_of(field.path).has_value()) << field.path;
  }
}

}  // namespace
}  // namespace caisson
