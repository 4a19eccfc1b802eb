// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: hash maps. The entries are in a list, in the order in which they
// were put, so that an iterator survives all changes. An index finds an entry
// by its key.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <list>
#include <memory>
#include <unordered_set>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/hash/hash.h"
#include "absl/strings/string_view.h"
#include "event/base/log.h"
#include "event/os_process.h"
#include "event/user_code.h"
#include "le_hashmap.h"
#include "legato/registry.h"

using le::event::CallUser;
using le::event::CheckNotForked;
using le::event::Misuse;

namespace {

struct Entry {
  const void* key;
  const void* value;
};
using Entries = std::list<Entry>;

struct UserHash {
  le_hashmap_HashFunc_t function;
  size_t OfUser(const void* key) const {
    return CallUser("the hash function of a map",
                    [&] { return function(key); });
  }
  // Hashes the program's hash again, because the program's hash may have few
  // random bits.
  size_t operator()(const void* key) const {
    return absl::Hash<size_t>()(OfUser(key));
  }
};
struct UserEquals {
  le_hashmap_EqualsFunc_t function;
  bool operator()(const void* first, const void* second) const {
    return CallUser("the function of a map that compares keys",
                    [&] { return function(first, second); });
  }
};

void* Unconst(const void* pointer) { return const_cast<void*>(pointer); }

}  // namespace

struct le_hashmap_It {
  le_hashmap* map;
  Entries::iterator at;  // end(): before the first entry
  // The iterator is at an entry that exists. False: it is before the first
  // entry or after the last one, or its entry was removed.
  bool valid = false;
  bool behind = false;  // the iterator is after the last entry
};

struct le_hashmap {
  le_hashmap(size_t c, UserHash hash, UserEquals equals)
      : capacity(c), index(0, hash, equals), iterator{this, entries.end()} {}

  const size_t capacity;  // used only by le_hashmap_CountCollisions()
  Entries entries;
  absl::flat_hash_map<const void*, Entries::iterator, UserHash, UserEquals>
      index;
  le_hashmap_It iterator;
};

namespace {

using Maps = le::legato::Registry<le_hashmap>;

std::unique_ptr<le_hashmap> NewMap(size_t capacity, le_hashmap_HashFunc_t hash,
                                   le_hashmap_EqualsFunc_t equals) {
  return std::make_unique<le_hashmap>(capacity, UserHash{hash},
                                      UserEquals{equals});
}

void CheckFunctions(const char* function, le_hashmap_HashFunc_t hash,
                    le_hashmap_EqualsFunc_t equals) {
  CheckNotForked(function);
  if (hash == nullptr || equals == nullptr) {
    Misuse(function, "a function is NULL");
  }
}

le_hashmap* Checked(const char* function, le_hashmap_Ref_t map) {
  CheckNotForked(function);
  if (map == nullptr) Misuse(function, "the map is NULL");
  return map;
}

le_hashmap_It* Checked(const char* function, le_hashmap_It_Ref_t iterator) {
  CheckNotForked(function);
  if (iterator == nullptr) Misuse(function, "the iterator is NULL");
  return iterator;
}

// Null: the map does not have the key.
const Entry* Find(le_hashmap* map, const void* key) {
  const auto found = map->index.find(key);
  return found == map->index.end() ? nullptr : &*found->second;
}

template <typename Number>
Number Read(const void* pointer) {
  Number number;
  std::memcpy(&number, pointer, sizeof(number));
  return number;
}

absl::string_view AsString(const void* pointer) {
  return static_cast<const char*>(pointer);
}

}  // namespace

le_hashmap_Ref_t le_hashmap_Create(const char*, size_t capacity,
                                   le_hashmap_HashFunc_t hashFunc,
                                   le_hashmap_EqualsFunc_t equalsFunc) {
  CheckFunctions(__func__, hashFunc, equalsFunc);
  return Maps::OfCurrentProcess()->Add(NewMap(capacity, hashFunc, equalsFunc));
}

le_hashmap_Ref_t le_hashmap_InitStatic_(le_hashmap_Ref_t* mapPtr, const char*,
                                        size_t capacity,
                                        le_hashmap_HashFunc_t hashFunc,
                                        le_hashmap_EqualsFunc_t equalsFunc) {
  CheckFunctions("le_hashmap_InitStatic", hashFunc, equalsFunc);
  return Maps::OfCurrentProcess()->AddStatic(
      mapPtr, [&] { return NewMap(capacity, hashFunc, equalsFunc); });
}

void* le_hashmap_Put(le_hashmap_Ref_t mapRef, const void* keyPtr,
                     const void* valuePtr) {
  le_hashmap* const map = Checked(__func__, mapRef);
  const auto found = map->index.find(keyPtr);
  if (found == map->index.end()) {
    map->entries.push_back({keyPtr, valuePtr});
    map->index.emplace(keyPtr, std::prev(map->entries.end()));
    return nullptr;
  }
  return Unconst(std::exchange(found->second->value, valuePtr));
}

void* le_hashmap_Get(le_hashmap_Ref_t mapRef, const void* keyPtr) {
  const Entry* const entry = Find(Checked(__func__, mapRef), keyPtr);
  return entry == nullptr ? nullptr : Unconst(entry->value);
}

void* le_hashmap_GetStoredKey(le_hashmap_Ref_t mapRef, const void* keyPtr) {
  const Entry* const entry = Find(Checked(__func__, mapRef), keyPtr);
  return entry == nullptr ? nullptr : Unconst(entry->key);
}

void* le_hashmap_Remove(le_hashmap_Ref_t mapRef, const void* keyPtr) {
  le_hashmap* const map = Checked(__func__, mapRef);
  const auto found = map->index.find(keyPtr);
  if (found == map->index.end()) return nullptr;
  const Entries::iterator entry = found->second;
  map->index.erase(found);
  le_hashmap_It& iterator = map->iterator;
  if (iterator.at == entry) {
    // le_hashmap_NextNode() continues after the removed entry.
    iterator.valid = false;
    iterator.at =
        entry == map->entries.begin() ? map->entries.end() : std::prev(entry);
  }
  const void* const value = entry->value;
  map->entries.erase(entry);
  return Unconst(value);
}

void le_hashmap_RemoveAll(le_hashmap_Ref_t mapRef) {
  le_hashmap* const map = Checked(__func__, mapRef);
  map->index.clear();
  map->entries.clear();
  map->iterator = le_hashmap_It{map, map->entries.end()};
}

bool le_hashmap_ContainsKey(le_hashmap_Ref_t mapRef, const void* keyPtr) {
  return Find(Checked(__func__, mapRef), keyPtr) != nullptr;
}

bool le_hashmap_isEmpty(le_hashmap_Ref_t mapRef) {
  return Checked(__func__, mapRef)->entries.empty();
}

size_t le_hashmap_Size(le_hashmap_Ref_t mapRef) {
  return Checked(__func__, mapRef)->index.size();
}

bool le_hashmap_ForEach(le_hashmap_Ref_t mapRef,
                        le_hashmap_ForEachHandler_t forEachFn,
                        void* contextPtr) {
  le_hashmap* const map = Checked(__func__, mapRef);
  if (forEachFn == nullptr) Misuse(__func__, "the function is NULL");
  for (const Entry& entry : map->entries) {
    if (!CallUser("the function of le_hashmap_ForEach()", [&] {
          return forEachFn(entry.key, entry.value, contextPtr);
        })) {
      return false;
    }
  }
  return true;
}

le_hashmap_It_Ref_t le_hashmap_GetIterator(le_hashmap_Ref_t mapRef) {
  le_hashmap* const map = Checked(__func__, mapRef);
  map->iterator = le_hashmap_It{map, map->entries.end()};
  return &map->iterator;
}

le_result_t le_hashmap_NextNode(le_hashmap_It_Ref_t iteratorRef) {
  le_hashmap_It* const iterator = Checked(__func__, iteratorRef);
  Entries& entries = iterator->map->entries;
  iterator->valid = false;
  if (iterator->behind) return LE_NOT_FOUND;
  const auto next =
      iterator->at == entries.end() ? entries.begin() : std::next(iterator->at);
  if (next == entries.end()) {
    iterator->behind = true;
    return LE_NOT_FOUND;
  }
  iterator->at = next;
  iterator->valid = true;
  return LE_OK;
}

le_result_t le_hashmap_PrevNode(le_hashmap_It_Ref_t iteratorRef) {
  le_hashmap_It* const iterator = Checked(__func__, iteratorRef);
  Entries& entries = iterator->map->entries;
  // Not to `at`: entries may have been put after the iterator reached the end.
  if (std::exchange(iterator->behind, false)) {
    iterator->valid = !entries.empty();
    if (!iterator->valid) return LE_NOT_FOUND;
    iterator->at = std::prev(entries.end());
    return LE_OK;
  }
  // If the entry was removed, `at` is the previous entry already.
  const bool is_there = !iterator->valid && iterator->at != entries.end();
  if (!is_there) {
    if (iterator->at == entries.end() || iterator->at == entries.begin()) {
      iterator->at = entries.end();
      iterator->valid = false;
      return LE_NOT_FOUND;
    }
    --iterator->at;
  }
  iterator->valid = true;
  return LE_OK;
}

const void* le_hashmap_GetKey(le_hashmap_It_Ref_t iteratorRef) {
  le_hashmap_It* const iterator = Checked(__func__, iteratorRef);
  return iterator->valid ? iterator->at->key : nullptr;
}

void* le_hashmap_GetValue(le_hashmap_It_Ref_t iteratorRef) {
  le_hashmap_It* const iterator = Checked(__func__, iteratorRef);
  return iterator->valid ? Unconst(iterator->at->value) : nullptr;
}

le_result_t le_hashmap_GetFirstNode(le_hashmap_Ref_t mapRef, void** firstKeyPtr,
                                    void** firstValuePtr) {
  le_hashmap* const map = Checked(__func__, mapRef);
  if (firstKeyPtr == nullptr) return LE_BAD_PARAMETER;
  if (map->entries.empty()) return LE_NOT_FOUND;
  const Entry& first = map->entries.front();
  *firstKeyPtr = Unconst(first.key);
  if (firstValuePtr != nullptr) *firstValuePtr = Unconst(first.value);
  return LE_OK;
}

le_result_t le_hashmap_GetNodeAfter(le_hashmap_Ref_t mapRef, const void* keyPtr,
                                    void** nextKeyPtr, void** nextValuePtr) {
  le_hashmap* const map = Checked(__func__, mapRef);
  const auto found = map->index.find(keyPtr);
  if (nextKeyPtr == nullptr || found == map->index.end()) {
    return LE_BAD_PARAMETER;
  }
  const auto next = std::next(found->second);
  if (next == map->entries.end()) return LE_NOT_FOUND;
  *nextKeyPtr = Unconst(next->key);
  if (nextValuePtr != nullptr) *nextValuePtr = Unconst(next->value);
  return LE_OK;
}

size_t le_hashmap_CountCollisions(le_hashmap_Ref_t mapRef) {
  le_hashmap* const map = Checked(__func__, mapRef);
  const size_t buckets = std::max<size_t>(1, map->capacity);
  std::unordered_set<size_t> used;
  for (const Entry& entry : map->entries) {
    used.insert(map->index.hash_function().OfUser(entry.key) % buckets);
  }
  return map->entries.size() - used.size();
}

void le_hashmap_MakeTraceable(le_hashmap_Ref_t mapRef) {
  Checked(__func__, mapRef);
}

size_t le_hashmap_HashString(const void* stringToHashPtr) {
  return absl::Hash<absl::string_view>()(AsString(stringToHashPtr));
}

bool le_hashmap_EqualsString(const void* firstStringPtr,
                             const void* secondStringPtr) {
  return AsString(firstStringPtr) == AsString(secondStringPtr);
}

size_t le_hashmap_HashUInt32(const void* intToHashPtr) {
  return Read<uint32_t>(intToHashPtr);
}

bool le_hashmap_EqualsUInt32(const void* firstIntPtr,
                             const void* secondIntPtr) {
  return Read<uint32_t>(firstIntPtr) == Read<uint32_t>(secondIntPtr);
}

size_t le_hashmap_HashUInt64(const void* intToHashPtr) {
  return static_cast<size_t>(Read<uint64_t>(intToHashPtr));
}

bool le_hashmap_EqualsUInt64(const void* firstIntPtr,
                             const void* secondIntPtr) {
  return Read<uint64_t>(firstIntPtr) == Read<uint64_t>(secondIntPtr);
}

size_t le_hashmap_HashVoidPointer(const void* voidToHashPtr) {
  return reinterpret_cast<uintptr_t>(voidToHashPtr);
}

bool le_hashmap_EqualsVoidPointer(const void* firstVoidPtr,
                                  const void* secondVoidPtr) {
  return firstVoidPtr == secondVoidPtr;
}
