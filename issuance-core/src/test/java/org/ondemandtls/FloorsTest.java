package org.ondemandtls;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.time.InstantSource;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.ondemandtls.machine.Time;

/** The floors of the house: a package knows those below it and nothing above or beside it. */
class FloorsTest {

    private static final String ROOT = "org.ondemandtls";

    /** From the ground up; packages on one floor do not know each other. */
    private static final List<Set<String>> FLOORS = List.of(
            Set.of("name", "machine"),
            Set.of("config", "event", "sql"),
            Set.of("certificate"),
            Set.of("permission", "preflight", "challenge"),
            Set.of("store"),
            Set.of("inventory"),
            Set.of("authority"),
            Set.of("issuance"),
            Set.of("handshake", "renewal"),
            Set.of("status", "notify", "command"));

    private static final int ABOVE_ALL = FLOORS.size();
    private static final int NOWHERE = -1;

    private static final JavaClasses HOUSE = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages(ROOT);

    @Test
    void theWholeHouseIsLookedAt() {
        assertThat(HOUSE.contain(OnDemandTls.class)).isTrue();
        assertThat(HOUSE.contain(org.ondemandtls.name.ServerName.class)).isTrue();
        assertThat(HOUSE.contain(FloorsTest.class)).isFalse();
    }

    @Test
    void everyPackageHasItsFloor() {
        assertThat(HOUSE).extracting(FloorsTest::floor).doesNotContain(NOWHERE);
    }

    @Test
    void dependenciesOnlyGoDownhill() {
        classes().should(onlyKnowWhatIsBelow()).check(HOUSE);
    }

    @Test
    void packagesAreFreeOfCycles() {
        slices().matching(ROOT + ".(*)..").should().beFreeOfCycles().check(HOUSE);
    }

    @Test
    void theStoreDoesNotKnowTheMediaItStandsOn() {
        noClasses()
                .that()
                .resideInAPackage(ROOT + ".store")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(ROOT + ".store.file", ROOT + ".store.jdbc")
                .check(HOUSE);
    }

    @Test
    void namesNeedTheJdkOnly() {
        classes()
                .that()
                .resideInAPackage(ROOT + ".name..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(ROOT + ".name..", "java..", "org.jspecify.annotations..")
                .check(HOUSE);
    }

    @Test
    void theMachinesTimeIsTakenInTheRootOnlyAndHandedOn() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT, ROOT + ".machine")
                .should()
                .callMethod(Time.class, "ofMachine")
                .check(HOUSE);
    }

    @Test
    void bouncyCastleIsKnownToAuthorityCertificateAndChallengeOnly() {
        noClasses()
                .that()
                .resideOutsideOfPackages(ROOT + ".authority..", ROOT + ".certificate..", ROOT + ".challenge..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.bouncycastle..")
                .check(HOUSE);
    }

    @Test
    void acme4jIsKnownToAuthorityOnly() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".authority..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.shredzone.acme4j..")
                .check(HOUSE);
    }

    @Test
    void theSystemClockIsReadInOneRoomOnly() {
        noClasses()
                .that()
                .resideOutsideOfPackage(ROOT + ".machine")
                .should()
                .accessTargetWhere(describe("is a clock of the system", FloorsTest::isSystemClock))
                .check(HOUSE);
    }

    private static boolean isSystemClock(JavaAccess<?> access) {
        return assignableTo(InstantSource.class).test(access.getTargetOwner())
                && access.getTarget().getName().matches("system.*|tick(Millis|Seconds|Minutes)");
    }

    private static ArchCondition<JavaClass> onlyKnowWhatIsBelow() {
        return new ArchCondition<>("only know what is below") {
            @Override
            public void check(JavaClass origin, ConditionEvents events) {
                for (Dependency dependency : origin.getDirectDependenciesFromSelf()) {
                    JavaClass target = dependency.getTargetClass().getBaseComponentType();
                    boolean outside = !target.getPackageName().equals(ROOT)
                            && !target.getPackageName().startsWith(ROOT + ".");
                    if (!outside && !room(target).equals(room(origin)) && floor(target) >= floor(origin)) {
                        events.add(SimpleConditionEvent.violated(dependency, dependency.getDescription()));
                    }
                }
            }
        };
    }

    private static int floor(JavaClass any) {
        String room = room(any);
        return room.isEmpty()
                ? ABOVE_ALL
                : IntStream.range(0, FLOORS.size())
                        .filter(i -> FLOORS.get(i).contains(room))
                        .findFirst()
                        .orElse(NOWHERE);
    }

    /** The part of the package's name right below the root, empty for the root itself. */
    private static String room(JavaClass any) {
        String below = any.getPackageName().substring(ROOT.length());
        return below.isEmpty() ? "" : below.substring(1).split("\\.", 2)[0];
    }
}
