//! Statistics on plain slices: numbers in, numbers out; nothing here knows of customers.
