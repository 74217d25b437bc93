/* icey's stun::Message and the attributes of requests over pjauth.h.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 *
 * Where icey hands out a pointer to an attribute, the address is a handle here as well: it lives as long as its request
 * waits, and is empty from then on.
 */

#ifndef PJAUTH_ICY_TURN_ATTRIBUTES_H
#define PJAUTH_ICY_TURN_ATTRIBUTES_H

#include <string_view>

#include "names.h"

namespace icy {
namespace turn {
inline namespace pjauth_turn {

class Request;

namespace detail {

class HashField;

/// icey's stun::Message, as far as an observer names it.
struct Message {
    enum MethodType {
        Undefined = 0x000,
        Binding = 0x001,
        Allocate = 0x003,
        Refresh = 0x004,
        SendIndication = 0x006,
        DataIndication = 0x007,
        CreatePermission = 0x008,
        ChannelBind = 0x009,
        Connect = 0x00a,
        ConnectionBind = 0x00b,
        ConnectionAttempt = 0x00c
    };

    enum ClassType { Request = 0x000, Indication = 0x010, SuccessResponse = 0x100, ErrorResponse = 0x110 };

    enum ErrorCodes {
        TryAlternate = 300,
        BadRequest = 400,
        NotAuthorized = 401,
        Forbidden = 403,
        UnknownAttribute = 420,
        AllocationMismatch = 437,
        StaleNonce = 438,
        WrongCredentials = 441,
        UnsupportedTransport = 442,
        ConnectionAlreadyExists = 446,
        ConnectionTimeoutOrFailure = 447,
        AllocationQuotaReached = 486,
        RoleConflict = 487,
        ServerError = 500,
        InsufficientCapacity = 508,
        GlobalFailure = 600
    };
};

/// The name of a method or an attribute in RFC 8489 and 8656, as icey writes it.
inline const char* methodName(int method)
{
    switch (method) {
    case Message::Binding: return "BINDING";
    case Message::Allocate: return "ALLOCATE";
    case Message::Refresh: return "REFRESH";
    case Message::SendIndication: return "SEND-INDICATION";
    case Message::DataIndication: return "DATA-INDICATION";
    case Message::CreatePermission: return "CREATE-PERMISSION";
    case Message::ChannelBind: return "CHANNEL-BIND";
    case Message::Connect: return "CONNECT";
    case Message::ConnectionBind: return "CONNECTION-BIND";
    case Message::ConnectionAttempt: return "CONNECTION-ATTEMPT";
    default: return "UnknownMethod";
    }
}

inline std::string attributeName(int type)
{
    switch (type) {
    case 0x0006: return "USERNAME";
    case 0x0008: return "MESSAGE-INTEGRITY";
    case 0x000c: return "CHANNEL-NUMBER";
    case 0x000d: return "LIFETIME";
    case 0x0012: return "XOR-PEER-ADDRESS";
    case 0x0014: return "REALM";
    case 0x0015: return "NONCE";
    case 0x0017: return "REQUESTED-ADDRESS-FAMILY";
    case 0x0018: return "EVEN-PORT";
    case 0x0019: return "REQUESTED-TRANSPORT";
    case 0x001a: return "DONT-FRAGMENT";
    case 0x001c: return "MESSAGE-INTEGRITY-SHA256";
    case 0x001d: return "PASSWORD-ALGORITHM";
    case 0x001e: return "USERHASH";
    case 0x0022: return "RESERVATION-TOKEN";
    case 0x002a: return "CONNECTION-ID";
    case 0x8000: return "ADDITIONAL-ADDRESS-FAMILY";
    case 0x8002: return "PASSWORD-ALGORITHMS";
    case 0x8022: return "SOFTWARE";
    case 0x8028: return "FINGERPRINT";
    default: return "attribute " + std::to_string(type);
    }
}

/// Any attribute: what it holds, as it came.
class Attribute
{
public:
    Attribute() = delete;
    Attribute(const Attribute&) = delete;
    Attribute& operator=(const Attribute&) = delete;

    std::string asString() const
    {
        std::string value(pjauth_turn_attribute_value(c(), nullptr, 0), '\0');
        // Its last life may have ended in between.
        value.resize(pjauth_turn_attribute_value(c(), reinterpret_cast<std::uint8_t*>(&value[0]), value.size()));
        return value;
    }

    std::uint16_t size() const { return static_cast<std::uint16_t>(pjauth_turn_attribute_value(c(), nullptr, 0)); }

protected:
    pjauth_turn_attribute* c() const { return handle<pjauth_turn_attribute>(this); }

    /// The value as a number, of which the first byte comes first.
    std::uint64_t number() const
    {
        std::uint8_t bytes[8] = {};
        std::uint64_t value = 0;
        const auto length = pjauth_turn_attribute_value(c(), bytes, sizeof(bytes));
        for (std::size_t i = 0; i < length && i < sizeof(bytes); ++i)
            value = value << 8 | bytes[i];
        return value;
    }
};

class StringAttribute : public Attribute
{
public:
    /// size() bytes, without a terminator. They stay until the observer's function that was given the request has
    /// returned; later, and on other threads, ask for asString().
    const char* bytes() const
    {
        const auto* bytes = pjauth_turn_attribute_bytes(c());
        return bytes ? reinterpret_cast<const char*>(bytes) : "";
    }
};

class UInt32Attribute : public Attribute
{
public:
    /// The four bytes of the attribute: of RequestedTransport the protocol is the first, as with icey.
    std::uint32_t value() const { return static_cast<std::uint32_t>(number()); }
    bool getBit(int index) const { return value() >> index & 1; }
};

class UInt8Attribute : public Attribute
{
public:
    std::uint8_t value() const { return static_cast<std::uint8_t>(number()); }
    bool getBit(int index) const { return value() >> index & 1; }
};

class FlagAttribute : public Attribute
{
};

class AddressAttribute : public Attribute
{
public:
    Address address() const
    {
        return Address::parse(detail::text(
            [this](char* out, std::size_t size) { return pjauth_turn_attribute_address(c(), out, size); }));
    }
};

class IntegrityAttribute : public Attribute
{
public:
    /// Sets the key, as `request.hash = key` does, and says whether the client holds it.
    bool verifyHmac(std::string_view key) const;

    /// The same with the key that was set.
    bool verifyHmac(const HashField&) const;

private:
    Request* request() const { return reinterpret_cast<Request*>(pjauth_turn_attribute_request(c())); }
};

/// An attribute of a type.
template <std::uint16_t number, class Kind>
class Typed : public Kind
{
public:
    static constexpr std::uint16_t TypeID = number;
    std::uint16_t type() const { return number; }
    std::string typeString() const { return attributeName(number); }
};

using ChannelNumber = Typed<0x000c, UInt32Attribute>;
using ConnectionID = Typed<0x002a, UInt32Attribute>;
using Data = Typed<0x0013, StringAttribute>;
using DontFragment = Typed<0x001a, FlagAttribute>;
using EventPort = Typed<0x0018, UInt8Attribute>;
using Fingerprint = Typed<0x8028, UInt32Attribute>;
using ICEPriority = Typed<0x0024, UInt32Attribute>;
using Lifetime = Typed<0x000d, UInt32Attribute>;
using MessageIntegrity = Typed<0x0008, IntegrityAttribute>;
using Nonce = Typed<0x0015, StringAttribute>;
using Realm = Typed<0x0014, StringAttribute>;
using RequestedTransport = Typed<0x0019, UInt32Attribute>;
using ReservationToken = Typed<0x0022, StringAttribute>;
using Software = Typed<0x8022, StringAttribute>;
using Username = Typed<0x0006, StringAttribute>;
using XorMappedAddress = Typed<0x0020, AddressAttribute>;
using XorPeerAddress = Typed<0x0012, AddressAttribute>;
using XorRelayedAddress = Typed<0x0016, AddressAttribute>;

/// Whose class stands for a type, whoever's name it was asked by.
template <std::uint16_t type, class = void>
struct AttributeOf {
    using Is = Typed<type, StringAttribute>;
};
template <std::uint16_t type>
struct AttributeOf<type, std::enable_if_t<type == 0x000c || type == 0x000d || type == 0x0010 || type == 0x0019 ||
                                          type == 0x0024 || type == 0x002a || type == 0x8028>> {
    using Is = Typed<type, UInt32Attribute>;
};
template <std::uint16_t type>
struct AttributeOf<type, std::enable_if_t<type == 0x0012 || type == 0x0016 || type == 0x0020>> {
    using Is = Typed<type, AddressAttribute>;
};
template <std::uint16_t type>
struct AttributeOf<type, std::enable_if_t<type == 0x0018>> {
    using Is = Typed<type, UInt8Attribute>;
};
template <std::uint16_t type>
struct AttributeOf<type, std::enable_if_t<type == 0x001a || type == 0x0025>> {
    using Is = Typed<type, FlagAttribute>;
};
template <std::uint16_t type>
struct AttributeOf<type, std::enable_if_t<type == 0x0008>> {
    using Is = Typed<type, IntegrityAttribute>;
};

static_assert(std::is_empty<MessageIntegrity>::value && alignof(Lifetime) == 1, "nothing is there to be looked at");

} // namespace detail
} // namespace pjauth_turn
} // namespace turn

#if !ICY_TURN_HAS_STUN
namespace stun {

using TransactionID = std::string;

using turn::detail::Attribute;
using turn::detail::ChannelNumber;
using turn::detail::ConnectionID;
using turn::detail::Data;
using turn::detail::DontFragment;
using turn::detail::EventPort;
using turn::detail::Fingerprint;
using turn::detail::ICEPriority;
using turn::detail::Lifetime;
using turn::detail::Message;
using turn::detail::MessageIntegrity;
using turn::detail::Nonce;
using turn::detail::Realm;
using turn::detail::RequestedTransport;
using turn::detail::ReservationToken;
using turn::detail::Software;
using turn::detail::Username;
using turn::detail::XorMappedAddress;
using turn::detail::XorPeerAddress;
using turn::detail::XorRelayedAddress;

} // namespace stun
#endif

namespace turn {
inline namespace pjauth_turn {
namespace detail {

/// The enumeration of whoever's stun::Message is at hand.
template <class M, class = void>
struct ClassOf {
    using Type = Message::ClassType;
};
template <class M>
struct ClassOf<M, std::void_t<typename M::ClassType>> {
    using Type = typename M::ClassType;
};

using MethodType = stun::Message::MethodType;
using ClassType = ClassOf<stun::Message>::Type;

} // namespace detail
} // namespace pjauth_turn
} // namespace turn
} // namespace icy

#endif
