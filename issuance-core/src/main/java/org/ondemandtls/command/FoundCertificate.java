package org.ondemandtls.command;

import java.util.List;
import java.util.Optional;
import org.ondemandtls.certificate.KeyedCertificate;

/**
 * A certificate that another program keeps.
 *
 * @param certificate leaf, chain and key
 * @param issuer the directory URL of the CA that issued it, as far as it is known; otherwise the name its issuer has
 * @param remark what was done to its chain, empty where nothing was
 * @param unservable names of it that no server can serve, such as a single label; the others are served
 */
record FoundCertificate(
        KeyedCertificate certificate, String issuer, Optional<String> remark, List<String> unservable) {}
