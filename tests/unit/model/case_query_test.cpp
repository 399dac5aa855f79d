// The filter language of the hospital.
#include "model/case_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/duration_text.h"
#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Code;
using ::testing::HasSubstr;
using Field = CaseTerm::Field;
using Operator = CaseTerm::Operator;

const base::Instant kNow = base::parse_rfc3339("2026-11-23T20:04:48Z").value();

CaseRecord a_case() {
  CaseRecord record;
  record.id = {ShardId(1), SubscriptionId(4), LogId(5), Offset(17)};
  record.subscription = "billing";
  record.source = "orders";
  record.summary.message_id = *base::Uuid::parse("01912d68-783e-7a03-8467-5661c1243ad4");
  record.summary.type = "order.created";
  record.summary.key = "customer 7";
  record.summary.correlation_id = "c-1";
  record.reason = CaseReason::rejected;
  record.state = CaseState::admitted;
  record.attempt_count = 6;
  record.failure_count = 5;
  record.replay_count = 2;
  record.relapse_count = 1;
  record.last_error = {"Timeout", "the \"ledger\" did not answer", ""};
  record.admitted_at = kNow - std::chrono::hours(1);
  record.group = GroupId{0xc831c95bee73};
  return record;
}

bool holds(std::string_view text) {
  const auto query = parse_case_query(text, kNow);
  EXPECT_TRUE(query.ok()) << text << ": " << query.status().text();
  return query.ok() && matches(*query, a_case());
}
std::string refusal(std::string_view text) {
  const auto query = parse_case_query(text, kNow);
  EXPECT_EQ(query.code(), Code::BAD_REQUEST) << text;
  return query.ok() ? "" : query.status().text();
}

TEST(CaseQuery, EachFieldIsCompared) {
  for (const char* yes : {"",
                          "  ",
                          "subscription=billing",
                          "queue=billing",
                          "topic=orders",
                          "source!=billing",
                          "type=order.created",
                          "type~CREATED",
                          "key=\"customer 7\"",
                          "key~omer",
                          "reason=rejected",
                          "reason!=expired",
                          "state=admitted",
                          "group=c831c95bee73",
                          "error=Timeout",
                          "error~ledger",
                          "error~time",
                          "error_type=Timeout",
                          "error_type!=x",
                          "error_message~\"\\\"LEDGER\\\" did\"",
                          "correlation_id=c-1",
                          "message_id~783e",
                          "message_id=01912d68-783e-7a03-8467-5661c1243ad4",
                          "admitted>-2h",
                          "admitted<-30m",
                          "admitted>2026-11-23T18:00:00Z",
                          "admitted<2026-11-24",
                          "attempts=6",
                          "attempts>5",
                          "failures<6",
                          "failures!=6",
                          "relapses=1",
                          "replays>1",
                          "id=1-4-5-17",
                          "id!=1-4-5-18",
                          "key~\"\""}) {
    EXPECT_TRUE(holds(yes)) << yes;
  }
  for (const char* no : {"subscription=orders", "topic=billing",   "type=order",          "key=customer",
                         "reason!=rejected",    "state=replaying", "group=000000000001",  "error=ledger",
                         "error!=Timeout",      "error~nothing",   "error_type~ledger",   "error_message~timeout",
                         "correlation_id!=c-1", "admitted>-30m",   "admitted<2026-11-23", "attempts<6",
                         "attempts>6",          "relapses>1",      "replays=0",           "id=1-4-5-18"}) {
    EXPECT_FALSE(holds(no)) << no;
  }
}

TEST(CaseQuery, ACaseIsFoundByTheRuleThatMadeIt) {
  CaseRecord record = a_case();
  const auto of = [&](std::string_view text) { return matches(*parse_case_query(text, kNow), record); };
  EXPECT_FALSE(of("quarantine=1-4-9"));
  EXPECT_TRUE(of("quarantine!=1-4-9"));
  record.quarantine = 9;
  EXPECT_TRUE(of("quarantine=1-4-9"));
  for (const char* other : {"quarantine=0-4-9", "quarantine=1-5-9", "quarantine=1-4-8", "quarantine!=1-4-9"}) {
    EXPECT_FALSE(of(other)) << other;
  }
  EXPECT_EQ(to_text(*parse_case_query("quarantine=\"1-4-9\"", kNow)), "quarantine=1-4-9");
  EXPECT_THAT(refusal("quarantine=nine"), HasSubstr("expected the id of a quarantine rule"));
  EXPECT_THAT(refusal("quarantine~9"), HasSubstr("expected = or != behind quarantine"));
}

/// Ids are compared as they are shown: one in another spelling would match nothing, and spare nobody with `!=`.
TEST(CaseQuery, AnIdIsWhatIsMeantByIt) {
  const std::pair<const char*, const char*> spellings[] = {
      {"group=C831C95BEE73", "group=c831c95bee73"},
      {"id=01-4-05-0017", "id=1-4-5-17"},
      {"message_id=01912D68-783E-7A03-8467-5661C1243AD4", "message_id=01912d68-783e-7a03-8467-5661c1243ad4"}};
  for (const auto& [given, shown] : spellings) {
    EXPECT_TRUE(holds(given)) << given;
    EXPECT_EQ(to_text(*parse_case_query(given, kNow)), shown);
    std::string differs = given;
    differs.insert(differs.find('='), "!");
    EXPECT_FALSE(holds(differs)) << differs;
  }
  EXPECT_EQ(to_text(*parse_case_query("quarantine!=01-4-009", kNow)), "quarantine!=1-4-9");
  EXPECT_EQ(*equal_to(*parse_case_query("group=C831C95BEE73", kNow), Field::group), "c831c95bee73");
  EXPECT_TRUE(holds("message_id~783E"));
  EXPECT_THAT(refusal("message_id=notanid"),
              HasSubstr("message_id cannot be \"notanid\": expected the id of a message"));
  EXPECT_THAT(refusal("message_id!=01912d68"), HasSubstr("expected the id of a message"));
}

TEST(CaseQuery, AllTermsMustHold) {
  EXPECT_TRUE(holds("subscription=billing state=admitted\terror~ledger  attempts>1"));
  EXPECT_FALSE(holds("subscription=billing state=replaying error~ledger"));
}

TEST(CaseQuery, WhatOnlyTheMessageSaysIsLookedAtThere) {
  const auto query = parse_case_query("header.tenant=acme body~\"Net Total\" state=admitted", kNow);
  ASSERT_TRUE(query.ok());
  EXPECT_TRUE(needs_message(*query));
  EXPECT_TRUE(needs_body(*query));
  EXPECT_TRUE(matches(*query, a_case()));
  MessageFacts facts;
  facts.headers = {{"tenant", "other"}, {"tenant", "acme"}};
  EXPECT_TRUE(matches_message(*query, facts, "the net total is 4"));
  EXPECT_FALSE(matches_message(*query, facts, "the total is 4"));
  facts.headers.pop_back();
  EXPECT_FALSE(matches_message(*query, facts, "the net total is 4"));
  const auto differs = parse_case_query("header.tenant!=acme", kNow);
  EXPECT_TRUE(matches_message(*differs, facts, ""));
  EXPECT_TRUE(matches_message(*differs, {}, ""));
  EXPECT_TRUE(needs_message(*differs));
  EXPECT_FALSE(needs_body(*differs));
  EXPECT_FALSE(needs_message(*parse_case_query("type=header.x", kNow)));
}

TEST(CaseQuery, TheNameOfAHeaderMayStandInQuotes) {
  MessageFacts facts;
  facts.headers = {{"odd name", "x"}, {"say \"a=b\"", "y"}, {"back\\slash", "z"}};
  for (const char* yes :
       {R"(header."odd name"=x)", R"(header."odd name"!=y header."odd name"~X)", R"(header."say \"a=b\""=y)",
        R"(header."back\\slash"=z)", R"(header.back\slash=z)", R"(header."odd name"="x" type~"")"}) {
    const auto query = parse_case_query(yes, kNow);
    ASSERT_TRUE(query.ok()) << yes << ": " << query.status().text();
    EXPECT_TRUE(matches_message(*query, facts, "")) << yes;
    EXPECT_EQ(*parse_case_query(to_text(*query), kNow), *query) << to_text(*query);
  }
  EXPECT_FALSE(matches_message(*parse_case_query(R"(header."odd name"=y)", kNow), facts, ""));
  EXPECT_EQ(to_text(*parse_case_query(R"(header."tenant"=acme)", kNow)), "header.tenant=acme");
  EXPECT_EQ(to_text(*parse_case_query(R"(header."a<b"=1)", kNow)), R"(header."a<b"=1)");
  EXPECT_THAT(refusal("header.odd name=x"), HasSubstr(R"(at character 11: expected =, != or ~ behind header.odd; )"
                                                      R"(a name with spaces is written header."a name")"));
  EXPECT_THAT(refusal(R"(header."odd name=x)"), HasSubstr("at character 8: this quote is not closed"));
  EXPECT_THAT(refusal(R"(header."odd" name=x)"), HasSubstr("expected =, != or ~ behind header.odd"));
  EXPECT_THAT(refusal(R"(header.""=x)"), HasSubstr("there is no field \"header.\""));
  EXPECT_THAT(refusal(R"(header.a"b"=x)"), HasSubstr("expected =, != or ~ behind header.a"));
  EXPECT_THAT(refusal(R"(ty"pe"=x)"), HasSubstr("there is no field \"ty\""));
}

TEST(CaseQuery, ARefusalNamesThePlaceAndWhatWasExpected) {
  EXPECT_THAT(refusal("state=admitted colour=red"), HasSubstr("at character 16: there is no field \"colour\""));
  EXPECT_THAT(refusal("state=open"),
              HasSubstr("at character 7: state cannot be \"open\": expected admitted, replaying"));
  EXPECT_THAT(refusal("state~adm"), HasSubstr("at character 6: expected = or != behind state"));
  EXPECT_THAT(refusal("type>a"), HasSubstr("expected =, != or ~ behind type"));
  EXPECT_THAT(refusal("body=x"), HasSubstr("expected ~ behind body"));
  EXPECT_THAT(refusal("admitted!=-2h"), HasSubstr("expected =, < or > behind admitted"));
  EXPECT_THAT(refusal("attempts>many"), HasSubstr("at character 10: attempts cannot be \"many\": expected a whole"));
  EXPECT_THAT(refusal("attempts>-1"), HasSubstr("a whole number"));
  EXPECT_THAT(refusal("admitted>yesterday"), HasSubstr("expected a time as"));
  EXPECT_THAT(refusal("admitted>-2weeks"), HasSubstr("a span before now"));
  EXPECT_THAT(refusal("group=zz"), HasSubstr("twelve hexadecimal digits"));
  EXPECT_THAT(refusal("id=7"), HasSubstr("the id of a case"));
  EXPECT_THAT(refusal("timeout"), HasSubstr("there is no field \"timeout\""));
  EXPECT_THAT(refusal("header.=x"), HasSubstr("there is no field \"header.\""));
  EXPECT_THAT(refusal("type="), HasSubstr("at character 6: expected a value"));
  EXPECT_THAT(refusal("type=\"a"), HasSubstr("this quote is not closed"));
  EXPECT_THAT(refusal("type=a\"b\""), HasSubstr("a quote within a word"));
  EXPECT_THAT(refusal("type=\"a\"b"), HasSubstr("expected a space behind the quote"));
  EXPECT_THAT(refusal(std::string(limits::kCaseQueryBytes + 1, ' ')), HasSubstr("at most"));
  std::string many;
  for (std::size_t i = 0; i < limits::kCaseQueryTerms; ++i) many += "type=a ";
  EXPECT_TRUE(parse_case_query(many, kNow).ok());
  EXPECT_THAT(refusal(many + "type=a"), HasSubstr("there are more than"));
}

TEST(CaseQuery, ItsTextIsTheSameQuery) {
  for (const char* text :
       {"", "state=admitted", "queue=billing type!=\"a b\" key=\"\" error~\"say \\\"no\\\" \\\\ yes\"", "attempts>3",
        "admitted>-2h", "admitted<2026-11-23T20:04:48.123456+02:00", "header.x-Tenant~a=b",
        "id=0-1-2-3 body~\"\\\\\""}) {
    const auto query = parse_case_query(text, kNow);
    ASSERT_TRUE(query.ok()) << text;
    const auto again = parse_case_query(to_text(*query), kNow + std::chrono::hours(5));
    ASSERT_TRUE(again.ok()) << to_text(*query);
    EXPECT_EQ(*again, *query) << text;
  }
  EXPECT_EQ(to_text(*parse_case_query("queue=a  admitted>-2h attempts<03", kNow)),
            "subscription=a admitted>2026-11-23T18:04:48.000000Z attempts<3");
  EXPECT_EQ(case_term("type", "a b"), "type=\"a b\"");
  CaseQuery made;
  with_reason(with_state(made, CaseState::replaying), CaseReason::expired);
  EXPECT_EQ(to_text(made), "state=replaying reason=expired");
}

TEST(CaseQuery, OneSubscriptionIsNotAnotherOfTheSameName) {
  CaseQuery query;
  query.subscription = SubscriptionId(4);
  EXPECT_TRUE(matches(query, a_case()));
  query.subscription = SubscriptionId(5);
  EXPECT_FALSE(matches(query, a_case()));
}

/// Every text gives a query or a sentence; a query is the same when it is written and read again.
TEST(CaseQuery, HostileTextsAreAnswered) {
  const std::string alphabet = "aht=!~<>\"\\ .-0\n\xff\0z";
  std::uint64_t state = 88172645463325252ull;
  const auto random = [&state](std::size_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return static_cast<std::size_t>(state % below);
  };
  const std::vector<std::string> words = {"type=",     "body~", "header.", "admitted>", "attempts<", "\"",
                                          "header.\"", "-2h",   "state=",  "admitted",  "\\\"",      "group="};
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::size_t n = random(12); n > 0; --n) {
      if (random(2) == 0) text += words[random(words.size())];
      text += alphabet[random(alphabet.size())];
    }
    const auto query = parse_case_query(text, kNow);
    if (!query.ok()) {
      EXPECT_EQ(query.code(), Code::BAD_REQUEST);
      continue;
    }
    matches(*query, a_case());
    const auto again = parse_case_query(to_text(*query), kNow);
    ASSERT_TRUE(again.ok()) << text;
    EXPECT_EQ(*again, *query) << text;
  }
}

TEST(ContainsText, FindsWhatIsThereAndOnlyThat) {
  EXPECT_TRUE(contains_text("", ""));
  EXPECT_FALSE(contains_text("", "a"));
  EXPECT_TRUE(contains_text("aabaabaaab", "AABAAAB"));
  EXPECT_FALSE(contains_text("aabaabaab", "aabaaab"));
  const std::string text(1u << 20, 'a');
  EXPECT_FALSE(contains_text(text, std::string(4000, 'a') + "b"));
  // As the plain search has it.
  for (unsigned bits = 0; bits < 1u << 12; ++bits) {
    std::string from;
    for (unsigned i = 0; i < 9; ++i) from += (bits >> i & 1) != 0 ? 'a' : 'b';
    for (unsigned i = 9; i < 12; ++i) {
      const std::string part = from.substr(i - 9, 2) + ((bits >> i & 1) != 0 ? "a" : "b") + from.substr(6, i - 9);
      EXPECT_EQ(contains_text(from, part), from.find(part) != std::string::npos) << from << " " << part;
    }
  }
}

}  // namespace
}  // namespace lazaret::model
