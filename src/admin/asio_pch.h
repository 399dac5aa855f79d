// Precompiled for this room: Asio, Beast and Boost.JSON take most of the time of a build.
#pragma once

#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/json.hpp>
