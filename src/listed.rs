//! Enumerations that know all their values.

/// An enumeration with `ALL`, the list of its values, in which none can be
/// forgotten.
macro_rules! listed {
    (
        $(#[$attribute:meta])*
        pub enum $name:ident {
            $($(#[$value_attribute:meta])* $value:ident $(= $number:literal)?,)+
        }
    ) => {
        $(#[$attribute])*
        pub enum $name {
            $($(#[$value_attribute])* $value $(= $number)?,)+
        }

        impl $name {
            /// Every one of them, as they are declared.
            pub const ALL: [$name; [$(stringify!($value)),+].len()] = [$($name::$value),+];
        }
    };
}
