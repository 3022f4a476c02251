package com.example.shop;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Set;
import java.util.function.Predicate;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

/** Greets every customer under the customer's own name. */
@SpringBootApplication
@RestController
public class Shop {

    public static void main(String[] arguments) {
        SpringApplication.run(Shop.class, arguments);
    }

    /** Says which names may have a certificate. The starter finds the bean by its name. */
    @Bean
    Predicate<String> onDemandTlsPermission(@Value("${shop.customers}") Set<String> customers) {
        return customers::contains;
    }

    @GetMapping("/")
    String greeting(HttpServletRequest request) {
        return "Welcome to " + request.getServerName() + " over " + request.getScheme();
    }
}
