#include "model/hospital_budget.h"

#include <gtest/gtest.h>

#include "model/case_record.h"
#include "model/limits.h"

namespace lazaret::model {
namespace {

TEST(HospitalLevel, FourFifthsFillAndAllOfItIsFull) {
  EXPECT_EQ(hospital_level(0, 100), HospitalLevel::below);
  EXPECT_EQ(hospital_level(79, 100), HospitalLevel::below);
  EXPECT_EQ(hospital_level(80, 100), HospitalLevel::filling);
  EXPECT_EQ(hospital_level(99, 100), HospitalLevel::filling);
  EXPECT_EQ(hospital_level(100, 100), HospitalLevel::full);
  EXPECT_EQ(hospital_level(101, 100), HospitalLevel::full);
}

TEST(HospitalLevel, TheSmallestAndTheLargestBudget) {
  EXPECT_EQ(hospital_level(0, 1), HospitalLevel::below);
  EXPECT_EQ(hospital_level(1, 1), HospitalLevel::full);
  EXPECT_EQ(hospital_level(limits::kHospitalBytesMost - 1, limits::kHospitalBytesMost), HospitalLevel::filling);
  EXPECT_EQ(hospital_level(~0ull, 0), HospitalLevel::below) << "there is no budget";
}

TEST(KeptBytes, OfADischargedCaseOnlyTheVersionsAreLeft) {
  CaseRecord record;
  record.message_bytes = 10;
  record.edited_bytes = 7;
  for (const CaseState state : {CaseState::admitted, CaseState::replaying, CaseState::discarded}) {
    record.state = state;
    EXPECT_EQ(record.kept_bytes(), 17u) << to_string(state);
  }
  record.state = CaseState::discharged;
  EXPECT_EQ(record.kept_bytes(), 7u);
}

}  // namespace
}  // namespace lazaret::model
