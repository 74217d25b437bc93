//! Reads the layouts the drop-in is built against: the user's pjproject headers
//! (`PJPROJECT_DIR`, else pkg-config `libpjproject`), or, where there are none,
//! our own description with a named configuration (`PJAUTH_CONFIG`).
//!
//! What differs between versions is told by the headers: fields that a version
//! lacks become `cfg`s, and its number picks the list of exported names.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    #[cfg(feature = "sip")]
    sip::bind();
}

#[cfg(feature = "sip")]
mod sip {
    use std::env;
    use std::path::{Path, PathBuf};

    const HEADERS: &str = "src/pjsip/headers";
    const CONFIGS: &str = "src/pjsip/configs";
    const ASYNC_HEADER: &str = "include/pjsip_auth_async.h";

    /// Structure fields that older versions lack, with the `cfg` of each.
    const FIELDS: [(&str, &str, &str); 3] = [
        // 2.15: credentials say which algorithm a hash is of.
        ("pjsip_cred_info", "algorithm_type", "pj_algorithms"),
        // 2.16: a session may have a parent, and then a lock.
        ("pjsip_auth_clt_sess", "parent", "pj_parent"),
        // 2.17: and a callback that is asked about challenges.
        ("pjsip_auth_clt_sess", "async_opt", "pj_async"),
    ];

    /// Functions of PJLIB and PJSIP that we import. Functions only: a data
    /// symbol would be bound at load time, also in a process without PJSIP.
    const FUNCTIONS: &str = "pj_pool_alloc|pj_get_version|pj_log_get_level|pj_log_1|pj_log_4|\
        pj_grp_lock_(add_ref|dec_ref|acquire|tryacquire|release)|pj_mutex_(lock|unlock)|\
        pj_thread_(create|join|destroy)|pj_lock_(create_simple_mutex|acquire|release|destroy)|\
        pj_timer_entry_init|pj_timer_heap_cancel_if_active|pjsip_(proxy_)?authorization_hdr_create|\
        pjsip_restore_strict_route_set|pjsip_tx_data_(invalidate_msg|add_ref|dec_ref)|\
        pjsip_endpt_(create_pool|release_pool|schedule_timer|cancel_timer|atexit)|\
        pjsip_endpt_schedule_timer_dbg|\
        pjsip_endpt_(register_module|get_timer_heap|create_ack|create_tdata)|\
        pjsip_rx_data_(clone|free_cloned)|pjsip_transport_send|\
        pjsip_tsx_(terminate|layer_instance|layer_find_tsx2|create_key|recv_msg|get_dlg)|\
        pjsip_ua_instance|pjsip_dlg_(inc|dec)_session";

    const TYPES: &str = "pj_str_t|pj_pool_t|pj_timer_entry|pj_time_val|pjsip_(auth|cred)_.*|\
        pjsip_cached_auth.*|pjsip_auth_clt_.*|pjsip_(tx|rx)_data|pjsip_msg|pjsip_hdr|pjsip_hdr_e|\
        pjsip_module|pjsip_module_priority|pjsip_transaction|pjsip_dialog|pjsip_cseq_hdr|\
        pjsip_generic_int_hdr|pjsip_param|pjsip_via_hdr|pjsip_uri|pjsip_uri_vptr|pjsip_msg_body|\
        pjsip_transport|pjsip_(www_authenticate|authorization)_hdr|pjsip_digest_(challenge|credential)";

    pub fn bind() {
        // src/handle says so too, but clang would be first, with a complaint about each layout.
        if env::var("CARGO_CFG_TARGET_POINTER_WIDTH").as_deref() != Ok("64") {
            println!("cargo::error=a pjauth handle is 64 bits wide: 64-bit targets only");
            return;
        }
        for name in [
            "PJPROJECT_DIR",
            "PJAUTH_CONFIG",
            "PJAUTH_CPPFLAGS",
            "PKG_CONFIG_PATH",
        ] {
            println!("cargo:rerun-if-env-changed={name}");
        }
        for path in [HEADERS, CONFIGS, ASYNC_HEADER] {
            println!("cargo:rerun-if-changed={path}");
        }
        let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo sets OUT_DIR"));
        bindgen::Builder::default()
            .header(format!("{HEADERS}/wrapper.h"))
            .clang_args(clang_args())
            .allowlist_function(FUNCTIONS)
            .allowlist_type(TYPES)
            .allowlist_var(
                "PJAUTH_.*|PJSIP_(AUTH|CRED|H|URI)_.*|PJSIP_(REQUEST|RESPONSE)_MSG|\
                 PJSIP_(INVITE|CANCEL|BYE)_METHOD|PJSIP_ROLE_UAC|PJSIP_MOD_PRIORITY_TSX_LAYER|\
                 PJSIP_TSX_STATE_(CALLING|PROCEEDING|COMPLETED)",
            )
            .allowlist_type("pjauth_(knob|status|inv_session_head|evsub_head|dialog_evsub)")
            // Bit-for-bit integers: a C enum may hold any value, a Rust enum may not.
            .default_enum_style(bindgen::EnumVariation::Consts)
            .prepend_enum_name(false)
            // The host's callbacks may be C++ and throw through us; we hold nothing then.
            .override_abi(bindgen::Abi::CUnwind, ".*")
            .derive_copy(true)
            .derive_debug(false)
            .layout_tests(true)
            .generate_comments(false)
            .use_core()
            .parse_callbacks(Box::new(Knobs))
            .generate()
            .expect("pjauth: bindgen could not read the pjproject headers (see above)")
            .write_to_file(out.join("pjproject.rs"))
            .expect("OUT_DIR is writable");
        for knob in Knobs::ALL {
            println!("cargo:rustc-check-cfg=cfg({knob})");
        }
        for (_, _, cfg) in FIELDS {
            println!("cargo:rustc-check-cfg=cfg({cfg})");
        }
    }

    /// Names the file that lists what this version's own object defines.
    fn list_symbols(series: i64) {
        let (major, minor) = (series / 100, series % 100);
        let root = env::var("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR");
        let list = Path::new(&root).join(format!("src/pjsip/symbols-{major}.{minor}.txt"));
        assert!(
            list.exists(),
            "pjauth: pjproject {major}.{minor} is not known: there is no {}",
            list.display()
        );
        println!("cargo:rustc-env=PJAUTH_SYMBOLS={}", list.display());
    }

    /// Where the layouts come from, as options for clang.
    fn clang_args() -> Vec<String> {
        let mut args = if let Some(config) = env::var_os("PJAUTH_CONFIG") {
            let name = config.to_string_lossy().into_owned();
            let file = Path::new(CONFIGS).join(format!("{name}.h"));
            assert!(
                file.exists(),
                "pjauth: PJAUTH_CONFIG={name} names no file of {CONFIGS}"
            );
            println!("cargo:rustc-env=PJAUTH_LAYOUT_SOURCE=built-in, configuration {name}");
            vec!["-include".into(), file.display().to_string()]
        } else if let Some(dir) = env::var_os("PJPROJECT_DIR") {
            from_tree(Path::new(&dir))
        } else {
            from_pkg_config()
        };
        if let Ok(flags) = env::var("PJAUTH_CPPFLAGS") {
            args.extend(flags.split_whitespace().map(str::to_owned));
        }
        args
    }

    /// A pjproject source tree or an installation prefix.
    fn from_tree(dir: &Path) -> Vec<String> {
        println!(
            "cargo:rustc-env=PJAUTH_LAYOUT_SOURCE=headers of {}",
            dir.file_name().unwrap_or_default().to_string_lossy()
        );
        let mut args = vec!["-DPJAUTH_HOST_HEADERS".into(), "-DPJ_AUTOCONF=1".into()];
        let dirs = ["pjlib", "pjlib-util", "pjnath", "pjmedia", "pjsip"]
            .map(|part| dir.join(part).join("include"))
            .into_iter()
            .chain([dir.join("include")]);
        let found: Vec<_> = dirs.filter(|d| d.is_dir()).collect();
        assert!(
            !found.is_empty(),
            "pjauth: PJPROJECT_DIR={} is neither a pjproject tree nor a prefix",
            dir.display()
        );
        args.extend(found.iter().map(|d| format!("-I{}", d.display())));
        args
    }

    fn from_pkg_config() -> Vec<String> {
        let probe = pkg_config::Config::new()
            .cargo_metadata(false)
            .probe("libpjproject");
        let Ok(library) = probe else {
            println!("cargo:rustc-env=PJAUTH_LAYOUT_SOURCE=built-in, configuration default");
            return Vec::new();
        };
        println!(
            "cargo:rustc-env=PJAUTH_LAYOUT_SOURCE=headers of libpjproject {} (pkg-config)",
            library.version
        );
        let includes = library.include_paths.iter();
        let defines = library.defines.iter();
        std::iter::once("-DPJAUTH_HOST_HEADERS".to_owned())
            .chain(includes.map(|d| format!("-I{}", d.display())))
            .chain(defines.map(|(name, value)| match value {
                Some(value) => format!("-D{name}={value}"),
                None => format!("-D{name}"),
            }))
            .collect()
    }

    /// Turns the knobs that add or remove structure fields, and the fields that
    /// a version may lack, into `cfg`s.
    #[derive(Debug)]
    struct Knobs;

    impl Knobs {
        const ALL: [&'static str; 4] = [
            "pj_qop_support",
            "pj_header_caching",
            "pj_log",
            "pj_timer_debug",
        ];
    }

    impl bindgen::callbacks::ParseCallbacks for Knobs {
        fn field_visibility(
            &self,
            field: bindgen::callbacks::FieldInfo<'_>,
        ) -> Option<bindgen::FieldVisibilityKind> {
            for (structure, name, cfg) in FIELDS {
                if (field.type_name, field.field_name) == (structure, name) {
                    println!("cargo:rustc-cfg={cfg}");
                }
            }
            None
        }

        fn enum_variant_behavior(
            &self,
            _enum: Option<&str>,
            variant: &str,
            value: bindgen::callbacks::EnumVariantValue,
        ) -> Option<bindgen::callbacks::EnumVariantCustomBehavior> {
            use bindgen::callbacks::EnumVariantValue::{Boolean, Signed, Unsigned};
            let value = match value {
                Signed(value) => value,
                Unsigned(value) => i64::try_from(value).unwrap_or(i64::MAX),
                Boolean(value) => i64::from(value),
            };
            match variant {
                "PJAUTH_PJ_SERIES" => list_symbols(value),
                "PJAUTH_QOP_SUPPORT" if value != 0 => println!("cargo:rustc-cfg=pj_qop_support"),
                "PJAUTH_HEADER_CACHING" if value != 0 => {
                    println!("cargo:rustc-cfg=pj_header_caching");
                }
                "PJAUTH_TIMER_DEBUG" if value != 0 => println!("cargo:rustc-cfg=pj_timer_debug"),
                // Below that there is no pj_log_4 to call.
                "PJAUTH_LOG_MAX_LEVEL" if value >= 4 => println!("cargo:rustc-cfg=pj_log"),
                "PJAUTH_POOL_ALIGNMENT" => assert!(
                    value >= 8,
                    "pjauth: PJ_POOL_ALIGNMENT={value}: pool memory must be aligned for pointers"
                ),
                _ => {}
            }
            None
        }
    }
}
