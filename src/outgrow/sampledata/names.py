"""Pools of names for a generated campus: people, schools, majors, interests, words of messages.

Everything is made up or common property; no pool holds a real school or a real person. The pools
are ordered, most frequent first, because `documents` draws from their heads more often than from
their tails. Changing or reordering a pool changes every campus: raise `population.VERSION` then.
"""

from __future__ import annotations

_FIRST = """
Maria Alex Olivia Liam Emma Noah Ava Sofia James Mia Lucas Amelia Daniel Isabella Ethan Charlotte
David Sarah Michael Emily Aisha Mohammed Wei Priya Chloe Jacob Grace Benjamin Hannah Samuel Ella
William Zoe Joseph Lily Jack Nora Henry Layla Ryan Fatima Andrew Leah Omar Julia Nathan Victoria
Carlos Anna José Jasmine Kevin Lucía Diego Camila Mateo Valentina Santiago Elena Gabriel Ana Luis
Jessica Matthew Ashley Christopher Samantha Joshua Elizabeth Anthony Lauren Tyler Megan Brandon
Rachel Justin Kayla Jonathan Nicole Zachary Stephanie Austin Rebecca Jordan Taylor Cameron Morgan
Casey Riley Avery Quinn Rowan Skyler Emerson Finley Harper Parker Reese Sage Hayden Dakota Charlie
Aaliyah Abdul Abigail Abril Ada Adaeze Adam Addison Adebayo Adele Adriana Adrián Agnieszka Ahmed
Aidan Aiko Aileen Ainhoa Aitana Akash Akira Alana Alba Albert Aleksandra Alessandra Alessandro
Alexandra Alexis Alfonso Ali Alice Alicia Alina Alisha Alma Álvaro Amara Amanda Amber Amina Amir
Amit Amy Anaïs Ananya Anastasia Anders André Andrea Andrei Andrés Angela Angelina Ángel Angus
Anika Anita Anjali Anneliese Annika Ansel Anton Antonio Anya April Archie Ari Aria Ariana Ariel
Arjun Armando Arnav Arthur Arturo Asha Asher Astrid Athena Aubrey Audrey August Aurélie Aurora
Axel Ayaan Ayanda Ayla Ayşe Azadeh Bao Barbara Bashir Bastian Beatrice Beatriz Beau Bella Benedict
Bennett Bernadette Bethany Bianca Bilal Björn Blake Bogdan Bonnie Boris Bradley Brenda Brian
Brianna Bridget Brigitte Brooke Bruno Bryan Bryce Caitlin Caleb Callum Calvin Carina Carl Carla
Carmen Carolina Caroline Carter Catalina Catherine Cecilia Cedric Celeste Céline Cesar Chandra
Charles Chelsea Chiara Chidi Chidinma Chinedu Chinonso Christian Christina Ciara Claire Clara
Clarissa Claudia Clémence Clement Cole Colin Connor Conor Cooper Cora Corinne Courtney Craig
Cristian Cristina Cynthia Cyrus Daisy Dalia Damian Damien Dana Dante Daphne Daria Darius Darnell
Dave Deborah Declan Deepak Delilah Demetrius Denise Dennis Deondre Derek Desmond Destiny Devin
Dhruv Diana Dieter Dimitri Dina Dinesh Dmitri Dominic Dominika Donovan Dorothy Douglas Duc Duncan
Dylan Ebony Eddie Edgar Edith Eduardo Edward Efua Eileen Eitan Ekaterina Elaine Eleanor Eleni Eli
Elian Elias Elif Elijah Elisa Élise Eliza Ella-Rose Ellen Elliot Eloise Elsa Elvira Emeka Emil
Emiliano Emilio Emmanuel Enrique Enzo Eric Erica Erik Erin Esmeralda Esperanza Esteban Esther
Étienne Eugene Eun-ji Eva Evan Evelyn Everett Ewa Ezekiel Ezra Fabian Fabiola Faisal Faith Farah
Farid Fatou Fei Felicity Felipe Felix Fergus Fernanda Fernando Filip Finn Fiona Flora Florence
Florian Frances Francesca Francisco François Frank Franziska Freya Frida Gabriela Gavin Gemma
Geneviève George Georgia Gerard Gerardo Gianna Gideon Gina Giorgio Giovanni Giulia Gloria Gonzalo
Graham Gregory Greta Guadalupe Guillermo Gustavo Gwendolyn Hadley Hadiza Haley Hamza Hana Hannes
Hans Hao Harold Harrison Harry Harsh Haruka Haruto Hasan Hassan Hazel Heather Hector Heidi Helen
Helena Héloïse Herbert Hiba Hideo Hilary Hina Hiroshi Holly Hope Howard Hoa Huda Hugh Hugo Hui
Hunter Hussein Hyun-woo Ian Ibrahim Ida Idris Ifeanyi Ifeoma Ignacio Igor Ikram Iker Ilaria Ilse
Imani Imogen Imran Inès Inga Ingrid Iñaki Ioana Iris Irene Irina Isaac Isabel Isaiah Isha Ishaan
Isla Ismail Israel Itzel Ivan Ivana Ivy Jackson Jade Jaime Jake Jakub Jamal Jamie Jan Jana Jane
Janelle Janet Jared Jaroslav Jasper Javier Jayden Jean-Luc Jean-Pierre Jeffrey Jelena Jenna
Jennifer Jeremiah Jeremy Jerome Jesse Jesús Ji-woo Jia Jiří Joan Joanna João Joaquín Jocelyn Joel
Johan Johanna Jonas Jorge Josefina Josephine Josiah Joy Juan Juana Judith Jules Julian Juliana
Juliet June Jung-ho Jürgen Kai Kaitlyn Kamal Kamila Karan Karen Karim Karina Karl Karolina Kasper
Kate Katarzyna Katerina Katherine Kathleen Katie Katrina Kavya Kazuki Keegan Keiko Keisha Keith
Kelechi Kelly Kelsey Kendall Kendra Kenji Kenneth Khadija Khalid Khanh Kiara Kim Kimberly Kiran
Kirsten Klara Klaus Knut Kofi Kojo Kristen Kristina Krzysztof Kwame Kwesi Kyle Kylie Kyra Lakshmi
Lamar Lan Lana Lars Lara Latisha Laura Laurence Lavanya Lawrence Lázaro Leandro Leila Lena Leo Léa
Leon Leonardo Leonor Leroy Leslie Lewis Lidia Lila Lillian Lin Linda Ling Linh Linnea Lisa Logan
Loïc Lola Lorenzo Louis Louisa Louise Luca Lucia Lucy Ludovica Luisa Lukas Luke Luna Luz Lydia
Mabel Mackenzie Maddox Madeleine Madison Maeve Magdalena Magnus Mahmoud Maia Mairead Maja Malachi
Malik Malin Mallory Manon Manuel Mara Marc Marcel Marcela Marco Marcus Margaret Margarita Margot
Mariam Mariana Marie-Claire Marina Mario Marisol Mark Marlon Marta Martha Martin Martín Martina
Mary Mason Matilda Matteo Maureen Maurice Mauricio Max Maxime Maximilian Maya Mayumi Mehmet Mei
Meera Melanie Melissa Melody Mercedes Meredith Meryem Micah Michaela Michelle Miguel Mikael
Mikhail Milan Milena Miles Milo Min-jun Minh Mira Miranda Miriam Misaki Mitchell Mohini Molly
Mónica Monique Moses Muhammad Muriel Mustafa Myra Nadia Nadine Nam Nancy Naomi Natalia Natalie
Natasha Nathaniel Nayeli Neel Neha Neil Nelson Neve Nga Ngozi Nia Niamh Nicholas Nico Nicolás
Nikhil Nikita Nikola Nils Nina Nkechi Noa Noel Noemi Nolan Noor Nour Núria Nyla Obinna Octavia
Odette Ola Olga Oliver Olumide Omari Oona Oscar Osman Oswaldo Otto Owen Pablo Paige Paloma Pamela
Paola Parisa Parth Pascal Patience Patricia Patrick Paul Paula Paulina Pedro Penelope Perla Peter
Petra Philip Philippa Phoebe Phuong Pia Pierre Pilar Piotr Poppy Pooja Preston Princess Priscilla
Qing Rafael Raheem Rahul Raj Rajesh Ralph Ramón Rana Randall Rania Raphael Raquel Rashid Raúl
Raven Ravi Raymond Rebeca Regina Reina Renata René Renée Rhea Rhys Ricardo Richard Rikke Rita
River Robert Roberta Roberto Robin Rocío Rodrigo Roger Rohan Roisin Roland Roman Ronan Rosa
Rosalie Rosario Rose Roxana Ruby Rubén Ruth Sabrina Sadie Said Saki Salma Salvador Samir Sana
Sanjay Santino Saoirse Sara Saskia Savannah Scarlett Scott Sean Sebastian Selam Selena Serena
Sergei Sergio Seth Seung-min Shane Shanice Shannon Sharon Shaun Shira Shreya Shu Sidney Siobhán
Sienna Sigrid Silas Silvia Simon Simone Sina Siddharth Siyabonga Søren Sofie Solomon Sonia Sophie
Spencer Stefan Stella Stephen Steven Stina Stuart Summer Sunita Suresh Susan Svetlana Sven Sylvia
Tadeo Tahmina Takumi Talia Tamar Tamara Tania Tanvi Tara Tariq Tatiana Tendai Teresa Terrence Tess
Thanh Thabo Thandiwe Théo Theodore Theresa Thiago Thomas Thu Tiana Tiffany Timothy Tobias Tomás
Tomasz Tony Tove Travis Trevor Trinh Tristan Trinity Tuan Tunde Tyrone Uchenna Ulrich Uma Umar
Ursula Usman Valeria Vanessa Vera Veronica Vicente Victor Vihaan Vikram Vincent Violet Virginia
Vivian Vivek Vladimir Wanda Wanjiru Warren Wendy Wesley Whitney Wilhelmina Willow Winston Wyatt
Xander Xavier Ximena Xin Xiomara Yael Yan Yara Yasmin Yasir Yejide Yolanda Yosef Youssef Yuki Yuna
Yusuf Yuto Yvette Yvonne Zahra Zain Zainab Zara Zdeněk Zeynep Zhen Zola Zoë Zsófia Zuri Zuzanna
"""

_LAST = """
Smith Johnson Garcia Nguyen Kim Williams Brown Lee Patel Jones Rodriguez Martinez Chen Khan Davis
Miller Hernandez Wang Lopez Singh Wilson Gonzalez Anderson Li Thomas Taylor Moore Ali Jackson
Martin Tran Zhang Perez Thompson White Harris Liu Sanchez Clark Ramirez Lewis Robinson Park Walker
Young Allen King Wright Scott Torres Ahmed Hill Flores Green Adams Nelson Baker Hall Rivera
Campbell Mitchell Carter Roberts Gomez Phillips Evans Turner Diaz Parker Cruz Edwards Collins
Reyes Stewart Morris Morales Murphy Cook Rogers Gutierrez Ortiz Morgan Cooper Peterson Bailey Reed
Kelly Howard Ramos Cox Ward Richardson Watson Brooks Chavez Wood James Bennett Gray Mendoza Ruiz
Hughes Price Alvarez Castillo Sanders Myers Long Ross Foster Jimenez Powell Jenkins Perry Russell
Sullivan Bell Coleman Butler Henderson Barnes Gonzales Fisher Vasquez Simmons Romero Jordan
Patterson Alexander Hamilton Graham Reynolds Griffin Wallace Moreno West Cole Hayes Bryant Herrera
Gibson Ellis Pham Medina Aguilar Stevens Murray Ford Castro Marshall Owens Harrison Fernandez
McDonald Woods Washington Kennedy Wells Vargas Henry Freeman Webb Tucker Guzman Burns Crawford
Olson Simpson Porter Hunter Gordon Mendez Silva Shaw Snyder Mason Dixon Muñoz Hunt Hicks Holmes
Palmer Wagner Black Robertson Boyd Stone Salazar Fox Warren Mills Meyer Rice Schmidt Garza Daniels
Ferguson Nichols Stephens Soto Weaver Ryan Gardner Payne Grant Dunn Kelley Spencer Hawkins Arnold
Pierce Hansen Peters Santos Hart Bradley Knight Elliott Cunningham Duncan Armstrong Hudson Carroll
Lane Riley Andrews Alvarado Ray Delgado Berry Perkins Hoffman Johnston Matthews Peña Richards
Contreras Willis Carpenter Lawrence Sandoval Guerrero George Chapman Rios Estrada Ortega Watkins
Greene Nuñez Wheeler Valdez Harper Burke Larson Santiago Maldonado Morrison Franklin Carlson
Austin Dominguez Carr Lawson Jacobs O'Brien Lynch Vega Bishop Montgomery Oliver Jensen Harvey
Williamson Gilbert Dean Sims Espinoza Howell Wong Reid Hanson Le McCoy Garrett Burton Fuller Weber
Welch Rojas Lucas Marquez Fields Yang Little Banks Padilla Day Walsh Bowman Schultz Luna Fowler
Mejia Abbas Abdi Abdullah Abebe Abiodun Aboagye Abreu Acheampong Achterberg Acosta Adebayo Adeleke
Adeyemi Adler Afolabi Agarwal Aguirre Ahn Akhtar Akintola Akpan Albrecht Alcántara Alemu Alfaro
Aliyev Almeida Alonso Altamirano Amadi Amoah Amin Andersen Andersson Andrade Angelopoulos Anand
Antonov Appiah Arango Araújo Arce Arellano Arévalo Arslan Asante Ashraf Asiimwe Aslan Athanasiou
Atkins Aubert Avila Awad Aydın Ayala Azevedo Aziz Babić Bach Bakr Balogun Banda Banerjee Baptiste
Barbieri Barbosa Barrera Barrett Barros Barton Basu Bauer Baumann Bautista Beaumont Becker Bekele
Bélanger Bello Beltrán Ben-David Benítez Bergeron Berg Berger Bergman Bernard Bertrand Bhatt
Bhattacharya Bianchi Blackwood Blanchard Blanco Blažek Boateng Bogdanov Bondarenko Bonnet Borges
Bose Bouchard Boucher Bourgeois Brandt Braun Bravo Brennan Brito Bruno Brunner Bui Bullock Busch
Byrne Caballero Cabrera Cáceres Calderón Callahan Camacho Campos Cano Cardoso Carlsson Caron
Carvalho Cassidy Castaneda Castellanos Cervantes Chakraborty Chan Chandra Chang Charles Chatterjee
Chaudhary Chaudhry Cheng Cheung Chien Chikwanha Chinwe Cho Choi Chong Chopra Chou Chowdhury
Christensen Christodoulou Chu Chua Chukwu Chung Cisse Cissé Clement Coelho Cohen Conti Conway
Cordero Corrêa Corrigan Costa Coulibaly Cristea Cuevas Curtis Czarnecki D'Amico D'Angelo D'Souza
Dahl Dalton Danso Darwish Das Dávila Davies Deb De_la_Cruz Delacroix Demir Deng Desai Deshmukh
Devlin Diallo Dias Diarra Diop Dimitrov Dinh Djokić Dlamini Do Dogan Doherty Donnelly Donovan
Dorsey Doyle Drăgulescu Dube Dubois Dumont Dũng Duarte Duffy Dupont Durán Dvořák Dwivedi Dziedzic
Eckert Edozie Eguchi Ekström El-Amin El-Sayed Engel Eriksen Eriksson Escobar Espinosa Esposito Eze
Fahey Fan Farah Farouk Faruqi Faulkner Favre Feng Fernandes Ferrari Ferreira Figueroa Finch
Finnegan Fischer Fitzgerald Fitzpatrick Flanagan Fleming Fofana Fonseca Fontaine Forsberg Fournier
Fraser Friedman Fuchs Fuentes Fujita Fujimoto Fung Gagnon Galindo Gallagher Gallo Gao Gauthier
Ghosh Giang Gill Girard Giordano Goldberg Goldman Gómez-Ruiz Gonçalves Gupta Gustafsson Guo Haas
Habib Haddad Haidari Hakimi Halloran Hamid Hammond Han Haque Harada Hartmann Hasan Hashemi
Hashimoto Hassan Haugen He Heinrich Hendriks Henriksson Hidalgo Higgins Ho Hoàng Holm Hong Horvat
Horváth Hosseini Houston Hsieh Hsu Hu Huang Huber Huerta Hussain Hussein Huynh Hwang Ibáñez
Ibrahim Ibe Idowu Iglesias Ikeda Inoue Ionescu Iqbal Islam Ismail Ito Ivanov Ivanova Iyer Jaber
Jackowski Jacobsen Jadhav Jafari Jain Jamal Janković Jansen Jansson Jaramillo Jha Jiang Jin
Johansen Johansson Jonsson Joshi Jovanović Juarez Jung Kaczmarek Kamara Kamau Kaminski Kang Kaplan
Kapoor Karimi Karlsson Kato Katz Kaufman Kaur Kavanagh Kaya Kazlauskas Keane Keita Keller Kępa
Kessler Khalil Khalid Khoury Kibet Kimani Kimura Kipchoge Kirchner Kiss Klein Kobayashi Koch Koffi
Köhler Kolář Kondo Koroma Kouassi Kovač Kovács Kovalenko Kowalczyk Kowalski Kozlov Kraft Krämer
Krause Kristensen Krüger Kuznetsov Kulkarni Kumar Kuroda Kwan Kwon L'Heureux Lacroix Lam Lamb
Lambert Landry Lang Lange Lapointe Larsen Larsson Lau Laurent Lavoie Lazar Leblanc Leclerc
Lefebvre Legrand Lehmann Lehtonen Lemieux Leroy Levin Levy Liang Liao Lim Lima Lin Lindberg
Lindqvist Ling Lo Lombardi Lombard Lozano Lu Lund Lundgren Luo Łukasik Ly Ma Macdonald Machado
MacLeod Madsen Magalhães Mahlangu Mahmood Mai Maier Maina Makinde Malhotra Malik Mancini Mann
Marchetti Marek Mariano Marín Marino Marinov Marković Marques Martens Martel Martinelli Martins
Masih Matsumoto Mayer Mazur Mbeki Mbatha McAllister McBride McCarthy McCormack McGrath McIntyre
McKenna McLaughlin McMahon McNamara Mehra Mehta Meier Melo Méndez-Soto Mendonça Menon Mercado
Mercier Meza Michaud Mihai Milošević Min Miranda Mishra Mitsotakis Miyamoto Mizrahi Mkhize Mohan
Mohamed Mohammadi Molina Molnár Monroy Montero Montoya Moon Moran Moreau Moretti Mori Moriarty
Moss Moyo Mu Mueller Mukherjee Müller Murakami Mustafa Mutua Mwangi Nagy Naidoo Nair Nakamura
Nakagawa Narayan Nascimento Navarro Nawaz Ndiaye Ndlovu Neumann Ng Ngo Nguema Ngô Nielsen Nieto
Nikolaidis Nilsson Nishimura Njoroge Nkosi Nogueira Nolan Norberg Novák Novikov Nowak Nwosu
Nyström O'Connell O'Connor O'Donnell O'Hara O'Leary O'Neill O'Reilly O'Sullivan Obi Ochoa Odhiambo
Ogawa Ogunleye Oh Ojeda Okada Okafor Okeke Okonkwo Okoye Olsen Oliveira Oluwaseun Omondi Ono
Onyango Opoku Orellana Orlov Orozco Osei Osorio Ospina Otieno Ouattara Ouedraogo Owusu Özdemir
Öztürk Pacheco Paiva Pak Palacios Pan Papadopoulos Pappas Paredes Parikh Pascual Pathak Patil Paul
Pavlov Pawlak Pedersen Peng Pereira Pérez-Mora Persson Petersen Petrenko Petrov Petrović Phan
Pham-Tran Pillai Pinto Pires Popa Popescu Popov Popović Portillo Prasad Prieto Qasim Qian Qiu
Qureshi Quintana Quispe Quiroga Rahimi Rahman Raja Rajan Ramachandran Rana Rao Rashid Rasmussen
Rathore Raza Reddy Renard Restrepo Ribeiro Ricci Richter Rinaldi Rivas Rizzo Robles Rocha Roche
Romano Rosales Rosenberg Rossi Rousseau Roux Roy Rubio Russo Saad Sadiq Sæther Saha Saito Sakamoto
Salah Salas Saleh Salinas Samson Sandhu Santana Santoro Saputra Sari Sarkar Sarmiento Sasaki Sato
Sauer Savage Scholz Schneider Schröder Schubert Schulz Schwartz Schwarz Seck Segura Sekhar Sen
Serrano Seo Sepúlveda Shah Shaikh Sharma Shapiro Shen Sheridan Shevchenko Shi Shim Shimizu Shin
Shrestha Shukla Siddiqui Simon Şahin Simić Sinclair Sinha Sithole Śliwa Sokolov Solberg Solís Song
Sørensen Sorokin Sosa Sousa Sow Stein Steiner Stojanović Strand Straub Suárez Subramanian Suleiman
Sun Sundaram Suzuki Svensson Swanson Sweeney Szabó Szymański Takahashi Tamayo Tamang Tan Tanaka
Tang Tavares Tekin Teixeira Tesfaye Thakur Thapa Thiam Thorne Tian Tkachenko Toledo Tomlinson Tóth
Touré Traoré Tremblay Trinh Trujillo Tsai Tse Tshabalala Tucci Udeh Ueda Ulloa Umeh Underwood
Urbina Usman Valencia Valentine Valenzuela van_Dijk Vance Vandenberg Varela Varga Varma Vasilev
Vaughan Vázquez Vélez Venkatesan Verma Viana Vidal Vieira Villalobos Villanueva Villarreal
Vinogradov Virtanen Vitale Vo Vogel Volkov Vu Vuković Wafula Walczak Wallin Walter Wanjiku
Watanabe Weiss Wen Werner Wieczorek Wikström Wilde Winter Wójcik Wolf Wolff Woodward Wouters Wu
Xia Xiao Xie Xu Yadav Yamada Yamaguchi Yamamoto Yan Yao Yeboah Yildiz Yıldırım Yilmaz Yin Yoon
Yoshida Yu Yuan Yusuf Zając Zamora Zapata Zavala Zeng Zhao Zheng Zhou Zhu Ziegler Zieliński
Zimmermann Zulu Zuma Zúñiga
"""

# Place-like surnames, composed because a school of 50,000 needs more names than one can list.
_LAST_HEADS = """
Ash Birch Black Bram Brad Chester Clay Cliff Cran Dar East El Fair Farn Glen Green Hal Har Haw
Hazel Hol Kel Kings Lang Lin Mar Mel Mid Nor Oak Ox Pen Rad Raven Red Rock Ros Sher Stan Stock Sut
Thorn Wal Wes Whit Win Wood
"""
_LAST_TAILS = """
ford ley ton well worth field brook bury combe croft dale den gate ham hurst land mere ridge shaw
stead stone thorpe ward wick
"""


def _words(text: str) -> tuple[str, ...]:
    """Return the words of a pool, each once, in order; `_` stands for a space within one."""
    return tuple(dict.fromkeys(word.replace("_", " ") for word in text.split()))


FIRST_NAMES = _words(_FIRST)
LAST_NAMES = _words(
    _LAST + " ".join(a + b for b in _LAST_TAILS.split() for a in _LAST_HEADS.split())
)

MAIN_SCHOOL = "Northmarch State University"
"""The largest school of every campus."""

_PLACES = """
Northmarch Eastvale Larkspur Westermoor Alderbrook Pinehurst-on-Sea Quillmark Ravenholt Silverbay
Thornfield Umberland Vantage Willowmere Yarrowdale Ashcombe Brindleton Coldwater Dunmarrow
Elmsworth Fernhollow Grayling Hartsmere Ironvale Juniper Kestrel Lowmarsh Merrowick Oakhaven
Palisade Redgrave Stonebridge Tamarind Upperfield Vellmont Windhaven Zephyrdale
"""
_SPECIAL_SCHOOLS = (
    # Names with the characters that keys, LIKE patterns and URLs stumble over.
    "University of Ravenholt, Lowmarsh",
    "Kestrel Institute: School of Design",
    "100% Online College",
    "Collège Saint-Élier de Vellmont",
    "Grayling A&M / Coastal Campus",
    "St. Orla's College",
    "Universidad de Peñablanca",
    "École Supérieure: Arts, Lettres & Sciences",
    "Juniper_Valley Community College",
    'Thornfield "Old Mill" Academy',
    "50%+ Scholarship College, Eastvale",
    "Zürnach Technische Hochschule",
    "Ironvale\\Dunmarrow Joint Program",
)
_SCHOOL_FORMS = (
    "{0} University",
    "{0} College",
    "University of {0}",
    "{0} Institute of Technology",
    "{0} State University",
    "{0} Community College",
)
SCHOOLS = tuple(
    dict.fromkeys(
        (
            MAIN_SCHOOL,
            *_SPECIAL_SCHOOLS,
            *(form.format(town) for form in _SCHOOL_FORMS for town in _PLACES.split()),
        )
    )
)
"""Every school's name, the largest first. The special ones are near the head, so small campuses
have them too."""

MAJORS = (
    "Computer Science", "Psychology", "Business Administration", "Biology", "Nursing", "Economics",
    "Mechanical Engineering", "English", "Political Science", "Communications", "Marketing",
    "Finance", "Electrical Engineering", "Mathematics", "Sociology", "Chemistry", "History",
    "Data Science", "Accounting", "Education", "Civil Engineering", "Biochemistry", "Art",
    "Graphic Design", "Physics", "Criminal Justice", "Philosophy", "International Relations",
    "Environmental Science", "Kinesiology", "Music", "Film & Media Studies", "Journalism",
    "Public Health", "Neuroscience", "Architecture", "Chemical Engineering", "Anthropology",
    "Biomedical Engineering", "Theater", "Statistics", "Information Systems", "Linguistics",
    "Spanish", "Social Work", "Software Engineering", "Industrial Engineering", "Creative Writing",
    "Geology", "Aerospace Engineering", "Urban Planning", "Hospitality Management", "French",
    "Gender Studies", "Religious Studies", "Astronomy", "Nutrition", "Geography", "Dance",
    "Marine Biology", "Materials Science", "Classics", "Undeclared",
)  # fmt: skip
YEARS = ("Freshman", "Sophomore", "Junior", "Senior", "Grad")
INTERESTS = (
    "music", "gaming", "hiking", "photography", "cooking", "reading", "movies", "basketball",
    "travel", "yoga", "coffee", "soccer", "anime", "fitness", "art", "dancing", "coding", "fashion",
    "running", "podcasts", "board games", "volunteering", "writing", "tennis", "baking", "guitar",
    "climbing", "swimming", "entrepreneurship", "thrifting", "k-pop", "cycling", "painting",
    "theater", "volleyball", "startups", "film photography", "gardening", "chess", "camping",
    "piano", "meditation", "skateboarding", "poetry", "investing", "robotics", "concerts",
    "pottery", "surfing", "languages", "debate", "sustainability", "dogs", "cats", "skiing",
    "snowboarding", "badminton", "astronomy", "sewing", "stand-up comedy", "machine learning",
    "journaling", "martial arts", "true crime", "museums", "birdwatching", "rowing", "singing",
    "karaoke", "calligraphy", "ultimate frisbee", "history", "design", "drones", "fencing",
    "vinyl records", "improv", "knitting", "pickleball", "rock & roll", "salsa", "trivia nights",
)  # fmt: skip
LOOKING_FOR = (
    "friends", "study-partner", "roommate", "networking", "event-buddy", "workout-partner",
    "dining-companion", "collaborate", "mentor", "relationship",
)  # fmt: skip
ACADEMIC_GOALS = (
    "maintain-high-gpa", "find-study-group", "get-internship", "graduate-with-honors",
    "research-experience", "learn-new-skills", "grad-school", "study-abroad", "improve-writing",
    "publish-paper", "change-major", "finish-thesis",
)  # fmt: skip
LEISURE_GOALS = (
    "make-new-friends", "stay-fit", "explore-city", "join-clubs", "attend-events", "travel-more",
    "learn-instrument", "try-new-food", "play-sports", "read-more", "volunteer", "go-to-concerts",
)  # fmt: skip
CAREER_GOALS = (
    "work at a startup", "become a nurse", "open a studio", "go to law school",
    "work in climate research", "teach", "join a large company", "start a company",
)  # fmt: skip
PRONOUNS = ("she/her", "he/him", "they/them", "she/they", "he/they")
PERSONALITY = (
    "outgoing", "creative", "ambitious", "laid-back", "funny", "introverted", "curious",
    "organized", "adventurous", "empathetic", "spontaneous", "analytical", "loyal", "thoughtful",
    "energetic", "night owl", "early bird", "competitive", "patient",
)  # fmt: skip
SLEEP = ("early-bird", "night-owl", "flexible")
CLEANLINESS = ("very-clean", "moderate", "relaxed")
GUESTS = ("often", "sometimes", "rarely")
NOISE = ("quiet", "moderate", "lively")
TRAITS = ("openness", "conscientiousness", "extraversion", "agreeableness", "spontaneity")
PERSONALITY_TYPES = ("The Connector", "The Explorer", "The Thinker", "The Builder", "The Dreamer")
COMMUNICATION_STYLES = ("direct", "reflective", "playful", "supportive")
SETTINGS = ("small groups", "one-on-one", "big gatherings", "online")
VALUES = (
    "honesty",
    "growth",
    "loyalty",
    "creativity",
    "family",
    "adventure",
    "kindness",
    "justice",
)

INTRO_REASONS = (
    "friends", "study", "roommate", "network", "collaborate", "event-buddy", "workout-partner",
    "dining-companion",
)  # fmt: skip
BIO_OPENINGS = (
    "Always up for", "Coffee first, then", "Currently obsessed with", "Happiest when it is about",
    "Looking for people who enjoy", "Mostly thinking about", "New here and into",
    "Weekends are for", "Ask me about", "Probably late because of",
)  # fmt: skip
BIO_TAILS = (
    "Transfer student, still learning the shortcuts across campus.",
    "I run the tiny radio show nobody listens to.", "Let's grab lunch at the dining hall!",
    "Trying to sleep more and scroll less :)", "Small-town kid in a big lecture hall.",
    "Part-time barista, full-time student.", "I will beat you at trivia. Or lose gracefully.",
    "Say hi if you see me at the library — I don't bite.", "First-gen and proud of it.",
    "Working on a project that might become something.",
    "Down for late-night study sessions & tacos 🌮",
    "Two truths and a lie: I paint, I climb, I cook.",
)  # fmt: skip
MESSAGES = (
    "hey!", "hi, nice to meet you :)", "how's your week going?", "are you coming tonight?",
    "did you finish the problem set?", "lol", "same here", "sounds good!", "what time?",
    "library at 6?", "I can bring snacks", "see you there", "thanks a lot", "no worries",
    "which professor do you have?", "that midterm was rough", "haha yes", "I'm running late, sorry",
    "let me check my calendar", "can you send me the notes?", "sure, one sec",
    "good luck tomorrow!", "omg", "wanna grab coffee?", "the one near the gym",
    "I think so, but not 100% sure", "ok cool", "do you know a quiet place to study?",
    "my roommate says hi", "❤️",
    "I just moved into the north dorm and I still can't find the laundry room",
    "we could split the reading and explain it to each other on Thursday",
)  # fmt: skip
WELCOME = "You're now connected! Say hi and introduce yourself."
