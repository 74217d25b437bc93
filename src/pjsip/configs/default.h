/* pjproject 2.17 as it comes: an empty config_site.h. */
