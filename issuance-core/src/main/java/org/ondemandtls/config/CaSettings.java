package org.ondemandtls.config;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.ondemandtls.config.OnDemandTlsConfig.ChallengeType;
import org.ondemandtls.config.OnDemandTlsConfig.KeyType;

/**
 * What is said of one of several CAs alone; what is empty is as it was said for all.
 *
 * @param email the account's contact
 * @param profile the certificate profile
 * @param trustedRoots a PEM file of roots
 * @param challenges the allowed challenges in order of preference, not empty where present
 * @param keyType the kind of key made for a certificate
 */
public record CaSettings(
        Optional<String> email,
        Optional<String> profile,
        Optional<Path> trustedRoots,
        Optional<List<ChallengeType>> challenges,
        Optional<KeyType> keyType) {

    /** Nothing that is not said of all. */
    public static final CaSettings NONE =
            new CaSettings(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

    /** Keeps copies of the lists. */
    public CaSettings {
        challenges = challenges.map(List::copyOf);
    }
}
