package org.ondemandtls.config;

import java.net.URI;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;

/** The public CAs an operator may name by an alias instead of a directory URL (RFC 8555 section 7.1.1). */
public enum PublicCa {
    LETSENCRYPT("letsencrypt", "https://acme-v02.api.letsencrypt.org/directory", false),
    LETSENCRYPT_STAGING("letsencrypt-staging", "https://acme-staging-v02.api.letsencrypt.org/directory", false),
    GOOGLE("google", "https://dv.acme-v02.api.pki.goog/directory", true),
    ZEROSSL("zerossl", "https://acme.zerossl.com/v2/DV90", true);

    private static final int HTTPS_PORT = 443;

    private final String alias;
    private final String directory;
    private final boolean wantsBinding;

    PublicCa(String alias, String directory, boolean wantsBinding) {
        this.alias = alias;
        this.directory = directory;
        this.wantsBinding = wantsBinding;
    }

    /** The CA of this alias, spelled exactly; empty where none has it. */
    public static Optional<PublicCa> named(String alias) {
        return Arrays.stream(values()).filter(ca -> ca.alias.equals(alias)).findFirst();
    }

    /**
     * The CA whose directory this is; empty where it is another's.
     *
     * @param directory an https URL with a host; case of the host and an explicit port 443 make no difference
     */
    static Optional<PublicCa> at(URI directory) {
        if ((directory.getPort() != -1 && directory.getPort() != HTTPS_PORT) || directory.getRawQuery() != null) {
            return Optional.empty();
        }
        String plain = "https://" + directory.getHost().toLowerCase(Locale.ROOT) + directory.getRawPath();
        return Arrays.stream(values()).filter(ca -> ca.directory.equals(plain)).findFirst();
    }

    /** All aliases, separated by commas. */
    static String aliases() {
        return Arrays.stream(values()).map(ca -> ca.alias).collect(Collectors.joining(", "));
    }

    /** The directory URL. */
    public URI directory() {
        return URI.create(directory);
    }

    /** Whether an account needs an external account binding (RFC 8555 section 7.3.4). */
    boolean wantsBinding() {
        return wantsBinding;
    }

    @Override
    public String toString() {
        return alias;
    }
}
