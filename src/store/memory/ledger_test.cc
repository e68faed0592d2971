#include "store/memory/ledger.h"

#include "store/test_ledger.h"

namespace cardea::store {
namespace {

struct Memory {
  memory::Ledger ledger;
  LedgerStore& store() { return ledger; }
};
INSTANTIATE_TYPED_TEST_SUITE_P(Memory, LedgerStoreSuite, Memory);

}  // namespace
}  // namespace cardea::store
