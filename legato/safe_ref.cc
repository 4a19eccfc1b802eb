// Copyright 2026 The le_messaging Authors
// SPDX-License-Identifier: Apache-2.0
//
// The C API: safe references.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/strings/str_cat.h"
#include "event/base/log.h"
#include "event/os_process.h"
#include "le_safeRef.h"
#include "legato/refs.h"
#include "legato/registry.h"

using le::event::CheckNotForked;
using le::event::Misuse;

struct le_ref_Iter {
  enum class Position { kBefore, kAt, kBehind };

  le_ref_Map* map;
  Position position = Position::kBefore;
  uint32_t at = 0;
};

struct le_ref_Map {
  explicit le_ref_Map(std::string n) : name(std::move(n)) {}

  const std::string name;
  // Sorted: if the reference at an iterator's position is deleted, the iterator
  // can still find the next reference.
  absl::btree_map<uint32_t, void*> pointers;
  le_ref_Iter iterator{this};
};

namespace {

using RefMaps = le::legato::Registry<le_ref_Map>;

// The reference numbers of all maps of a process. They start high, so a small
// number that is passed by mistake is not a valid reference. After the numbers
// have wrapped around, a small number may be valid.
using Numbers = le::legato::RefNumbers<uint32_t, 0x10000001>;

std::unique_ptr<le_ref_Map> NewMap(const char* name) {
  return std::make_unique<le_ref_Map>(name == nullptr ? "" : name);
}

le_ref_Map* Checked(const char* function, le_ref_MapRef_t map) {
  CheckNotForked(function);
  if (map == nullptr) Misuse(function, "the map is NULL");
  return map;
}

le_ref_Iter* Checked(const char* function, le_ref_IterRef_t iterator) {
  CheckNotForked(function);
  if (iterator == nullptr) Misuse(function, "the iterator is NULL");
  return iterator;
}

// end(): the map does not have the reference.
auto Find(le_ref_Map* map, const void* ref) {
  const auto number = reinterpret_cast<uintptr_t>(ref);
  return number > UINT32_MAX
             ? map->pointers.end()
             : map->pointers.find(static_cast<uint32_t>(number));
}

void* ToRef(uint32_t number) {
  return reinterpret_cast<void*>(static_cast<uintptr_t>(number));
}

// end(): the iterator is at no reference.
auto Present(le_ref_Iter* iterator) {
  auto& pointers = iterator->map->pointers;
  return iterator->position == le_ref_Iter::Position::kAt
             ? pointers.find(iterator->at)
             : pointers.end();
}

}  // namespace

le_ref_MapRef_t le_ref_CreateMap(const char* name, size_t) {
  CheckNotForked(__func__);
  return RefMaps::OfCurrentProcess()->Add(NewMap(name));
}

le_ref_MapRef_t le_ref_InitStaticMap_(le_ref_MapRef_t* mapPtr, const char* name,
                                      size_t) {
  CheckNotForked("le_ref_InitStaticMap");
  return RefMaps::OfCurrentProcess()->AddStatic(
      mapPtr, [name] { return NewMap(name); });
}

void* le_ref_CreateRef(le_ref_MapRef_t mapRef, void* ptr) {
  le_ref_Map* const map = Checked(__func__, mapRef);
  if (ptr == nullptr) return nullptr;
  uint32_t number;
  do {
    number = Numbers::New();
  } while (!map->pointers.emplace(number, ptr).second);
  return ToRef(number);
}

void* le_ref_Lookup(le_ref_MapRef_t mapRef, void* safeRef) {
  le_ref_Map* const map = Checked(__func__, mapRef);
  const auto found = Find(map, safeRef);
  return found == map->pointers.end() ? nullptr : found->second;
}

void le_ref_DeleteRef(le_ref_MapRef_t mapRef, void* safeRef) {
  le_ref_Map* const map = Checked(__func__, mapRef);
  const auto found = Find(map, safeRef);
  if (found == map->pointers.end()) {
    le::event::Log(
        le::event::LogLevel::kError,
        absl::StrCat("le_ref_DeleteRef: map '", map->name,
                     "' has no reference ",
                     absl::Hex(reinterpret_cast<uintptr_t>(safeRef))));
    return;
  }
  map->pointers.erase(found);
}

le_ref_IterRef_t le_ref_GetIterator(le_ref_MapRef_t mapRef) {
  le_ref_Map* const map = Checked(__func__, mapRef);
  map->iterator = le_ref_Iter{map};
  return &map->iterator;
}

le_result_t le_ref_NextNode(le_ref_IterRef_t iteratorRef) {
  using Position = le_ref_Iter::Position;
  le_ref_Iter* const iterator = Checked(__func__, iteratorRef);
  if (iterator->position == Position::kBehind) return LE_FAULT;
  auto& pointers = iterator->map->pointers;
  const auto next = iterator->position == Position::kBefore
                        ? pointers.begin()
                        : pointers.upper_bound(iterator->at);
  if (next == pointers.end()) {
    iterator->position = Position::kBehind;
    return LE_NOT_FOUND;
  }
  iterator->position = Position::kAt;
  iterator->at = next->first;
  return LE_OK;
}

const void* le_ref_GetSafeRef(le_ref_IterRef_t iteratorRef) {
  le_ref_Iter* const iterator = Checked(__func__, iteratorRef);
  const auto present = Present(iterator);
  return present == iterator->map->pointers.end() ? nullptr
                                                  : ToRef(present->first);
}

void* le_ref_GetValue(le_ref_IterRef_t iteratorRef) {
  le_ref_Iter* const iterator = Checked(__func__, iteratorRef);
  const auto present = Present(iterator);
  return present == iterator->map->pointers.end() ? nullptr : present->second;
}

void le_ref_EnableTrace(le_ref_MapRef_t mapRef) { Checked(__func__, mapRef); }
