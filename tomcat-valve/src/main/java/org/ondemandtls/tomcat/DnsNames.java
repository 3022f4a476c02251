package org.ondemandtls.tomcat;

import java.util.Locale;
import java.util.Set;

/** Compares hosts with the names of a certificate, as RFC 9525 section 6.3 has it. */
final class DnsNames {

    private DnsNames() {}

    /**
     * Whether one of a certificate's names is {@code host}, or its wildcard of one label.
     *
     * @param names lower-case DNS names
     * @param host a host as sent, without its port
     */
    static boolean cover(Set<String> names, String host) {
        String canonical = canonical(host);
        int dot = canonical.indexOf('.');
        return names.contains(canonical) || (dot > 0 && names.contains("*" + canonical.substring(dot)));
    }

    /** {@code host} in lower case, without the one trailing dot a DNS name may have. */
    static String canonical(String host) {
        String lower = host.toLowerCase(Locale.ROOT);
        return lower.endsWith(".") ? lower.substring(0, lower.length() - 1) : lower;
    }
}
